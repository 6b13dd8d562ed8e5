/** What every sink measures. Each sink names and labels its own metrics. */
export interface RunnerMetrics {
  /** From a micro-batch's first record until it is cut. */
  readonly fillSeconds: { observe(seconds: number): void };
  /** Attempts to land that failed and are repeated. */
  readonly retries: { inc(): void };
  /** Micro-batches that were discarded because another process had claimed a partition. */
  readonly conflicts: { inc(): void };
}
