/** Returns the value, for tests and benchmarks that can't continue without it. @throws Error if it is null or undefined */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error(`expected a value, got ${value}`);
  return value;
}
