import { epochMs, type StreamContract } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Installation } from '../installation.ts';
import type { LakeScan } from './lake-scan.ts';
import { OffsetRanges } from './offset-ranges.ts';

/** Which events of a stream a replay reads. Times are epoch milliseconds; `toMs` is exclusive. */
export type Selection =
  | { by: 'offsets'; ranges: string }
  /** By event time. */
  | { by: 'eventTime'; fromMs: number; toMs: number }
  /** By the time at which Kafka appended them. */
  | { by: 'ingestionTime'; fromMs: number; toMs: number }
  /** By a value of their rows in the curated table. */
  | { by: 'where'; column: string; value: string };

/** The topics and tables in which a selection looks for events. */
export interface SelectionSources {
  installation: Installation;
  contract: StreamContract;
  raw: LakeScan;
  curated: LakeScan;
}

/**
 * The offsets in the raw topic of all selected events that are committed to the tables.
 * @param landed partition → the offset up to which all events are committed
 * @throws WindrowError USAGE for offsets beyond it, or for an unknown column
 */
export async function offsetsOf(
  selection: Selection,
  sources: SelectionSources,
  landed: ReadonlyMap<number, number>,
): Promise<OffsetRanges> {
  const upTo = (ranges: OffsetRanges) => ranges.within((partition) => ({ to: landed.get(partition) ?? 0 }));
  switch (selection.by) {
    case 'offsets':
      return assertLanded(OffsetRanges.parse(selection.ranges), sources.contract, landed);
    case 'eventTime':
      return upTo(await byEventTime(selection, sources));
    case 'ingestionTime':
      return upTo(await byIngestionTime(selection, sources));
    case 'where':
      return upTo(await byCuratedValue(selection, sources));
  }
}

function assertLanded(
  ranges: OffsetRanges,
  { topics }: StreamContract,
  landed: ReadonlyMap<number, number>,
): OffsetRanges {
  const beyond = [...ranges].filter(({ partition, to }) => to > (landed.get(partition) ?? 0));
  if (beyond.length === 0) return ranges;
  const named = beyond
    .map(
      ({ partition, from, to }) =>
        `${partition}:${from}-${to} (committed up to ${landed.get(partition) ?? 0})`,
    )
    .join(', ');
  throw new WindrowError(
    'USAGE',
    `these offsets of ${topics.raw.name} are not committed to the tables yet: ${named}`,
  );
}

async function byEventTime(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { contract, raw }: SelectionSources,
): Promise<OffsetRanges> {
  const found = new Map<number, number[]>();
  await raw.numbers(
    ['_partition', '_offset', contract.eventTime],
    (stats) => stats.mayHoldTime(contract.eventTime, fromMs, toMs),
    ([partition, offset, timeMs]) => {
      if (timeMs >= fromMs && timeMs < toMs) note(found, partition, offset);
    },
  );
  return OffsetRanges.ofOffsets(found);
}

/** Kafka has the times of the records that it retains. For older records it is the `_ingested_at` of their rows. */
async function byIngestionTime(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { installation: { broker }, contract, raw }: SelectionSources,
): Promise<OffsetRanges> {
  const topic = contract.topics.raw.name;
  const [starts, first, end] = await Promise.all([
    broker.startOffsets(topic),
    broker.offsetsAt(topic, fromMs),
    broker.offsetsAt(topic, toMs),
  ]);
  const retained = [...first].map(([partition, from]) => ({
    partition,
    from,
    to: end.get(partition) ?? from,
  }));
  const found = new Map<number, number[]>();
  if ([...starts.values()].some((start) => start > 0)) {
    await raw.numbers(
      ['_partition', '_offset', '_ingested_at'],
      (stats) => stats.mayHoldTime('_ingested_at', fromMs, toMs),
      ([partition, offset, timeMs]) => {
        const isRetained = offset >= (starts.get(partition) ?? 0);
        if (!isRetained && timeMs >= fromMs && timeMs < toMs) note(found, partition, offset);
      },
    );
  }
  return OffsetRanges.of([...retained, ...OffsetRanges.ofOffsets(found)]);
}

async function byCuratedValue(
  { column, value }: { column: string; value: string },
  { curated, contract }: SelectionSources,
): Promise<OffsetRanges> {
  if (!curated.columns.includes(column)) {
    const message = `${contract.lake.curated} has no column ${column}; it has: ${curated.columns.join(', ')}`;
    throw new WindrowError('USAGE', message);
  }
  const timeMs = epochMs(value);
  const found = new Map<number, number[]>();
  await curated.rows(['_partition', '_raw_offset', column], (row) => {
    const own = row[column];
    const isMeant = own instanceof Date ? own.getTime() === timeMs : String(own ?? 'null') === value;
    // Rows of older versions have no `_raw_offset`, so their record in the raw topic is unknown.
    if (isMeant && typeof row._raw_offset === 'bigint')
      note(found, Number(row._partition), Number(row._raw_offset));
  });
  return OffsetRanges.ofOffsets(found);
}

function note(found: Map<number, number[]>, partition: number, offset: number): void {
  const of = found.get(partition);
  if (of) of.push(offset);
  else found.set(partition, [offset]);
}
