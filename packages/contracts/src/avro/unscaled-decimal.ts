/** `12345` of scale 2 → `123.45`. */
export function decimalText(unscaled: number | bigint, scale: number): string {
  const digits = String(unscaled < 0 ? -BigInt(unscaled) : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0 ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
}

/** The integer in big-endian two's complement. No bytes are 0. */
export function unscaledOf(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  const { buffer, byteOffset, byteLength } = bytes;
  const hex = Buffer.from(buffer, byteOffset, byteLength).toString('hex');
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex}`));
}

/** Big-endian two's complement in this many bytes, which must be enough. */
export function unscaledBytes(unscaled: bigint, size: number): Buffer {
  const hex = BigInt.asUintN(8 * size, unscaled).toString(16);
  return Buffer.from(hex.padStart(2 * size, '0'), 'hex');
}

/** Big-endian two's complement in as few bytes as the integer needs. */
export function shortestBytes(unscaled: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(8 * length, unscaled) !== unscaled) length += 1;
  return unscaledBytes(unscaled, length);
}
