/** A file to load, wherever it is. */
export interface LoadFile {
  /** As people and dead letters are told of it. */
  name: string;
  /** As it is stored, compressed where it is; undefined where nobody knows. */
  sizeBytes: number | undefined;
  /** What it is remembered by; a file without one is always loaded. */
  remembered?: FileIdentity;
  /**
   * Its bytes as stored, from the first one. They are those of `remembered.version`, or the reading fails. What is thrown is the
   * file's fault, but for retriable errors.
   */
  bytes(signal: AbortSignal): AsyncIterable<Buffer>;
}

export interface FileIdentity {
  /** `file:///…` or `s3://…` */
  url: string;
  /** Changes with the content. */
  version: string;
}
