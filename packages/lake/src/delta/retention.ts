const dayMs = 24 * 3_600_000;

const unitMs: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: dayMs,
  week: 7 * dayMs,
};

/**
 * Parses an interval in Spark's syntax, `interval 7 days`, also with several parts, `1 week 12 hours`.
 * @returns milliseconds; undefined for other text, also for months and years, which have no fixed length
 */
export function intervalMs(text: string): number | undefined {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words[0] === 'interval') words.shift();
  if (words.length === 0 || words.length % 2 !== 0) return undefined;
  let sumMs = 0;
  for (let at = 0; at < words.length; at += 2) {
    const [count = '', unit = ''] = words.slice(at, at + 2);
    const eachMs = unitMs[unit.replace(/s$/, '')];
    if (!/^\d+$/.test(count) || eachMs === undefined) return undefined;
    sumMs += Number(count) * eachMs;
  }
  return sumMs;
}

/** The properties of a Delta table, some of which configure its retention. */
export type Configuration = Readonly<Record<string, string>>;

/** How long log entries are kept. Infinity when the clean-up is disabled. */
export function logRetentionMs(configuration: Configuration): number {
  if (configuration['delta.enableExpiredLogCleanup'] === 'false') return Number.POSITIVE_INFINITY;
  return retentionMs(configuration['delta.logRetentionDuration'] ?? 'interval 30 days');
}

/** For how long removed files are kept for readers of older versions. */
export function deletedFileRetentionMs(configuration: Configuration): number {
  return retentionMs(configuration['delta.deletedFileRetentionDuration'] ?? 'interval 1 week');
}

/** How long checkpoints keep tombstones. It is a day longer, so that a vacuum can tell removed files from files that were never committed. */
export function tombstoneRetentionMs(configuration: Configuration): number {
  return deletedFileRetentionMs(configuration) + dayMs;
}

/** An invalid value keeps everything: a misspelled property must not delete data. */
function retentionMs(text: string): number {
  return intervalMs(text) ?? Number.POSITIVE_INFINITY;
}
