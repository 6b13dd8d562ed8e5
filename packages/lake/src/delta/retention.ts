const unitMs: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 24 * 3_600_000,
  week: 7 * 24 * 3_600_000,
};

/**
 * A time that a table's properties hold in Spark's form of intervals, `interval 7 days`; also several parts, `1 week 12 hours`.
 * @returns milliseconds; undefined for what is none, also months and years, which have no fixed length
 */
export function intervalMs(text: string): number | undefined {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words[0] === 'interval') words.shift();
  if (words.length === 0 || words.length % 2 !== 0) return undefined;
  let sumMs = 0;
  for (let at = 0; at < words.length; at += 2) {
    const unit = unitMs[words[at + 1]!.replace(/s$/, '')];
    if (!/^\d+$/.test(words[at]!) || unit === undefined) return undefined;
    sumMs += Number(words[at]) * unit;
  }
  return sumMs;
}

/** Properties of a Delta table that say how long its past is kept, with Delta's defaults. */
export type Configuration = Readonly<Record<string, string>>;

/** For how long each version can be read: log entries that are older may go. Infinity where clean-up is switched off. */
export function logRetentionMs(configuration: Configuration): number {
  if (configuration['delta.enableExpiredLogCleanup'] === 'false') return Number.POSITIVE_INFINITY;
  return retentionMs(configuration['delta.logRetentionDuration'] ?? 'interval 30 days');
}

/** For how long removed files are kept for readers of older versions. */
export function deletedFileRetentionMs(configuration: Configuration): number {
  return retentionMs(configuration['delta.deletedFileRetentionDuration'] ?? 'interval 1 week');
}

/** A day longer: so that a vacuum, and whoever looks for files that nobody names, knows what was removed. */
export function tombstoneRetentionMs(configuration: Configuration): number {
  return deletedFileRetentionMs(configuration) + unitMs.day!;
}

/** What can't be understood keeps everything: a misspelled property must not delete. */
function retentionMs(text: string): number {
  return intervalMs(text) ?? Number.POSITIVE_INFINITY;
}
