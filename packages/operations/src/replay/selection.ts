import type { StreamContract } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Installation } from '../installation.ts';
import type { LakeScan } from './lake-scan.ts';
import { OffsetRanges } from './offset-ranges.ts';

/** Which events of a stream; times are epoch milliseconds, `toMs` is exclusive. */
export type Selection =
  | { by: 'offsets'; ranges: string }
  /** By when they happened. */
  | { by: 'eventTime'; fromMs: number; toMs: number }
  /** By when Kafka had them. */
  | { by: 'ingestionTime'; fromMs: number; toMs: number }
  /** By what the curated table says of them. */
  | { by: 'where'; column: string; value: string };

/** Where a stream's tables are asked. */
export interface SelectionSources {
  installation: Installation;
  contract: StreamContract;
  raw: LakeScan;
  curated: LakeScan;
}

/**
 * The offsets in the raw topic of all that is selected and has landed.
 * @param landed partition → the offset up to which all has landed
 * @throws WindrowError USAGE for offsets that have not landed, or a column that isn't there
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
    .map(({ partition, from, to }) => `${partition}:${from}-${to} (it ends at ${landed.get(partition) ?? 0})`)
    .join(', ');
  throw new WindrowError('USAGE', `${topics.raw.name} has nothing there yet: ${named}`);
}

async function byEventTime(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { contract, raw }: SelectionSources,
): Promise<OffsetRanges> {
  const found = new Map<number, number[]>();
  await raw.numbers(
    ['_partition', '_offset', contract.eventTime],
    (stats) => stats.mayHoldTime(contract.eventTime, fromMs, toMs),
    ([partitions, offsets, times]) => {
      for (let row = 0; row < times!.length; row++) {
        if (times![row]! >= fromMs && times![row]! < toMs) note(found, partitions![row]!, offsets![row]!);
      }
    },
  );
  return OffsetRanges.ofOffsets(found);
}

/** Kafka knows the times of what it retains; what is older has the time at which the lake took it in. */
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
      ([partitions, offsets, times]) => {
        for (let row = 0; row < times!.length; row++) {
          const [partition, offset] = [partitions![row]!, offsets![row]!];
          const isRetained = offset >= (starts.get(partition) ?? 0);
          if (!isRetained && times![row]! >= fromMs && times![row]! < toMs) note(found, partition, offset);
        }
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
  const found = new Map<number, number[]>();
  await curated.rows(['_partition', '_raw_offset', column], (row) => {
    const own = row[column];
    const text = own instanceof Date ? own.toISOString() : String(own ?? 'null');
    // Null in rows that landed before events had it: nobody knows from which record they came.
    if (text === value && typeof row._raw_offset === 'bigint')
      note(found, Number(row._partition), Number(row._raw_offset));
  });
  return OffsetRanges.ofOffsets(found);
}

function note(found: Map<number, number[]>, partition: number, offset: number): void {
  const of = found.get(partition);
  if (of) of.push(offset);
  else found.set(partition, [offset]);
}
