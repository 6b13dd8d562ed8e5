/** Returns the value, for tests and benchmarks that can't continue without it. @throws Error if it is undefined */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected a value, got undefined');
  return value;
}
