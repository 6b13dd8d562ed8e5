import type { LedgerLine } from '../audit/facts.ts';

/** A reader of a partition that has not reached its target offset. */
export interface Behind {
  /** `enricher`, `lake curated/track`, `postgres curated.track_event`. */
  reader: string;
  topic: string;
  partition: number;
  /** Offsets between the reader's position and its target. */
  by: number;
}

/** Partition → the offset that a reader must reach. */
export type Ends = ReadonlyMap<number, number>;

/** The partitions of a topic that a reader has not read to their ends. A partition without a position counts from 0. */
export function distances(reader: string, topic: string, ends: Ends, at: Ends): Behind[] {
  const behind: Behind[] = [];
  for (const [partition, end] of ends) {
    const by = end - (at.get(partition) ?? 0);
    if (by > 0) behind.push({ reader, topic, partition, by });
  }
  return behind.sort((a, b) => a.partition - b.partition);
}

export function positionsOf(ledger: LedgerLine[]): Ends {
  return new Map(ledger.map(({ partition, nextOffset }) => [partition, nextOffset]));
}

/** One line for a terminal: each reader and the sum of its offsets behind. */
export function summary(behind: Behind[]): string {
  const byReader = new Map<string, number>();
  for (const { reader, by } of behind) byReader.set(reader, (byReader.get(reader) ?? 0) + by);
  return [...byReader].map(([reader, by]) => `${reader} ${by}`).join(', ');
}
