/** The beginning of a stream, and the whole of it. */
export interface Peeked {
  /** The same for the same stream, however its bytes come: a load that continues has to find the same records. */
  sample: Buffer;
  /** The sample is the whole stream. */
  whole: boolean;
  /** The stream from its beginning, without the first `skippedBytes`. Can be read once. */
  chunks(skippedBytes?: number): AsyncGenerator<Buffer>;
}

/** Reads ahead: at least `bytes`, or all there is. The caller ends `chunks`. */
export async function peek(stream: AsyncIterable<Buffer>, bytes: number): Promise<Peeked> {
  const source = stream[Symbol.asyncIterator]();
  const read: Buffer[] = [];
  let readBytes = 0;
  let isEnded = false;
  while (readBytes <= bytes && !isEnded) {
    const next = await source.next();
    if (next.done) isEnded = true;
    else {
      read.push(next.value);
      readBytes += next.value.length;
    }
  }
  const head = Buffer.concat(read);
  return {
    sample: head.subarray(0, bytes),
    whole: isEnded && head.length <= bytes,
    async *chunks(skippedBytes = 0) {
      try {
        if (head.length > skippedBytes) yield head.subarray(skippedBytes, bytes);
        if (head.length > bytes) yield head.subarray(bytes);
        for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
      } finally {
        await source.return?.();
      }
    },
  };
}
