/**
 * JSON whose integers beyond 2^53 are bigints: their digits are written as they are. `JSON.stringify` alone throws at them.
 */
export function jsonText(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? rawNumber(inner) : inner));
}

/** In the engine, but not yet in TypeScript's library. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

/** A number that `JSON.stringify` writes with exactly these digits. */
export function rawNumber(digits: bigint | string): object {
  return rawJSON(String(digits));
}
