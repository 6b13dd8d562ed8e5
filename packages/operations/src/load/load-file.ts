/** A file to load, on disk or in S3. */
export interface LoadFile {
  /** The name in messages and dead letters. */
  name: string;
  /** Size as stored (a gzipped file: compressed); undefined if unknown, as for the standard input. */
  sizeBytes: number | undefined;
  /** Identity under which the progress is stored. A file without one is always loaded. */
  remembered?: FileIdentity;
  /**
   * Reads the stored bytes from the beginning. Reading fails if they are no longer those of `remembered.version`. A retriable
   * error means that the storage is unavailable; every other error is the file's.
   */
  bytes(signal: AbortSignal): AsyncIterable<Buffer>;
}

export interface FileIdentity {
  /** `file:///…` or `s3://…` */
  url: string;
  /** Changes when the content changes. */
  version: string;
}
