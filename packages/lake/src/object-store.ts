export interface ObjectEntry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/**
 * A bucket of objects that are immutable by convention. It is strongly consistent, as S3 is: every get, head and list sees
 * the puts before it. Keys are full keys within the bucket, without a leading slash.
 *
 * A request that fails throws WindrowError S3_FAILED, which names the operation and the object. It is `retriable` when the
 * store was unavailable, slow or busy. **The outcome of a put or delete that threw is then unknown**: the store may have
 * carried it out, or may still carry it out a little later. It is not retriable when a repetition can't succeed (no such
 * bucket, no permission).
 */
export interface ObjectStore {
  /** The whole object, or undefined when there is none. The bytes belong to the caller. */
  get(key: string): Promise<Uint8Array | undefined>;

  /** Creates or overwrites the object. */
  put(key: string, bytes: Uint8Array): Promise<void>;

  /**
   * Creates the object only if it doesn't exist (`If-None-Match: *`), atomically over all writers.
   * @returns whether this call created it. `false` means that the object exists. After a retry inside the store's client it
   * may even be the one that this call created; a caller to whom that matters compares the content.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;

  head(key: string): Promise<ObjectEntry | undefined>;

  /** The objects whose key begins with `prefix` and sorts after `startAfter`, sorted by the UTF-8 bytes of their keys. */
  list(range: { prefix: string; startAfter?: string }): AsyncIterable<ObjectEntry>;

  /** Deletes the object. It is no error when it doesn't exist. */
  delete(key: string): Promise<void>;

  /** The object's address for people and for other engines, e.g. `s3://lake/curated/track`. */
  url(key: string): string;
}
