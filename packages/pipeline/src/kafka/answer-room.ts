/** Below it an answer gets bytes of its own, left to the garbage collector: they are few. Larger room is a multiple of it. */
const roomBytes = 2 ** 18;
/** What lies ready for answers to come, of all connections of the process. */
const mostFreeBytes = 2 ** 24;

/** Smaller ones first. */
const free: ArrayBuffer[] = [];
/** Of answers that are read: how many readers they have. */
const readers = new WeakMap<ArrayBufferLike, number>();

/**
 * Bytes for an answer. Large ones that were given back are used again: V8 collects all of its heap for each 64 MiB that come
 * and go outside of it, which took a fourth of a sink's processor time.
 */
export function roomFor(answerBytes: number): Buffer {
  if (answerBytes < roomBytes) return Buffer.allocUnsafeSlow(answerBytes);
  const fits = free.findIndex(({ byteLength }) => byteLength >= answerBytes);
  const [room = new ArrayBuffer(roomBytes * Math.ceil(answerBytes / roomBytes))] =
    fits < 0 ? [] : free.splice(fits, 1);
  return Buffer.from(room, 0, answerBytes);
}

/** One reader more of the answer that the bytes are of. Nobody who reads it without saying so may be left when the last one goes. */
export function hold({ buffer }: Uint8Array): void {
  readers.set(buffer, (readers.get(buffer) ?? 0) + 1);
}

/** One reader less: after the last one, the answer's bytes become those of another. */
export function release({ buffer }: Uint8Array): void {
  const left = (readers.get(buffer) ?? 0) - 1;
  if (left < 0) throw new RangeError('nobody holds this answer');
  readers.set(buffer, left);
  if (left > 0 || buffer.byteLength < roomBytes) return;
  const freeBytes = free.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (freeBytes + buffer.byteLength > mostFreeBytes) return;
  free.push(buffer as ArrayBuffer);
  free.sort((a, b) => a.byteLength - b.byteLength);
}
