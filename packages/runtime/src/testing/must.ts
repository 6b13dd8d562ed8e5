/** The value, for tests and benchmarks that can't go on without it. @throws Error when it is null or undefined */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error(`expected a value, got ${value}`);
  return value;
}
