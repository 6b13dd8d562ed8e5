/** Begins a part of an operation: it has `total` units of work. The operation reports how many of them are done. */
export type Progress = (
  what: string,
  units: string,
  total: number,
) => {
  show(done: number): void;
  end(): void;
};
