export interface ObjectEntry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/**
 * A bucket of immutable-by-convention objects, strongly consistent as S3 is: what has been put is seen by every later
 * get, head and list. Keys are full keys within the bucket, without a leading slash.
 *
 * What fails throws WindrowError S3_FAILED, naming the operation and the object. `retriable` says that the store was
 * away, slow or busy; **the outcome of a put or delete that threw is then unknown**: it may have happened, or may still
 * happen a little later. Not retriable is what asking again can't change (no such bucket, no permission).
 */
export interface ObjectStore {
  /** The whole object, or undefined when there is none. The bytes belong to the caller. */
  get(key: string): Promise<Uint8Array | undefined>;

  /** Makes or replaces the object. */
  put(key: string, bytes: Uint8Array): Promise<void>;

  /**
   * Makes the object only if there is none (`If-None-Match: *`), atomically over all writers.
   * @returns whether this call made it. `false` says that an object is there now; after a retry inside the store's client
   * it may even be this call's own, so whom that matters to compares the content.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;

  head(key: string): Promise<ObjectEntry | undefined>;

  /** The objects whose key begins with `prefix`, in the order of their UTF-8 bytes, those after `startAfter` only. */
  list(range: { prefix: string; startAfter?: string }): AsyncIterable<ObjectEntry>;

  /** Removes the object; no error when there is none. */
  delete(key: string): Promise<void>;

  /** The object's address for people and for other engines, e.g. `s3://lake/curated/track`. */
  url(key: string): string;
}
