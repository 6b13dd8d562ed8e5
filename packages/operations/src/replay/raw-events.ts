import { AvroCodec, type EventRecord, recordCheck, type StreamContract } from '@windrow/contracts';
import { recordReader } from '@windrow/lake';
import { checkedOutcome, decodeAndCheck, type InputRecord, type Outcome } from '@windrow/pipeline';
import { retry, WindrowError } from '@windrow/runtime';
import type { Installation } from '../installation.ts';
import type { AcceptedEvents } from './accepted-events.ts';
import type { LakeScan } from './lake-scan.ts';
import { OffsetRanges } from './offset-ranges.ts';

/** Where a replay reads its events. No offset is in both. */
export interface RawSources {
  /** Events that the raw topic still retains. */
  kafka: OffsetRanges;
  /** Older events, from the raw table. */
  lake: OffsetRanges;
}

interface Reading {
  installation: Installation;
  contract: StreamContract;
  raw: LakeScan;
  signal: AbortSignal;
  /** Gets some events of a partition in ascending order. The next events follow after its promise is resolved. */
  onEvents(partition: number, outcomes: Outcome[]): Promise<void>;
}

/** @throws WindrowError REPLAY_IMPOSSIBLE when events that have rows are neither in the raw topic nor in the raw table */
export async function sourcesOf(
  { broker }: Installation,
  { topics, lake }: StreamContract,
  ranges: OffsetRanges,
  raw: LakeScan,
  accepted: AcceptedEvents,
): Promise<RawSources> {
  const starts = await broker.startOffsets(topics.raw.name);
  const retainedFrom = (partition: number) => starts.get(partition) ?? 0;
  const sources = {
    kafka: ranges.within((partition) => ({ from: retainedFrom(partition) })),
    lake: ranges.within((partition) => ({ to: retainedFrom(partition) })),
  };
  if (sources.lake.isEmpty) return sources;
  const there = new Map<number, number[]>();
  await raw.numbers(
    ['_partition', '_offset'],
    (bounds) => bounds.mayHoldSome(sources.lake, '_offset'),
    ([partition, offset]) => {
      if (!sources.lake.has(partition, offset)) return;
      const of = there.get(partition);
      if (of) of.push(offset);
      else there.set(partition, [offset]);
    },
  );
  const found = OffsetRanges.ofOffsets(there);
  const missing = accepted.rowsIn(sources.lake, (partition, offset) => !found.has(partition, offset));
  if (missing.length > 0) {
    const named = missing.slice(0, 5).map(({ partition, offset }) => `${partition}:${offset}`);
    const message = `${missing.length} events of the range are neither in ${topics.raw.name}, whose retention has passed, nor in ${lake.raw}: ${named.join(', ')}${missing.length > 5 ? ', …' : ''}. Nothing was changed; replay the other events with --offsets`;
    throw new WindrowError('REPLAY_IMPOSSIBLE', message);
  }
  // The raw table has no row of a record that could not be decoded. Such records are dead letters.
  return { ...sources, lake: found };
}

/**
 * Decodes all events and checks them against today's rules.
 * @throws WindrowError of Kafka, the registry or S3; the signal's reason
 */
export async function readRawEvents(sources: RawSources, reading: Reading): Promise<void> {
  if (!sources.lake.isEmpty) await readLake(sources.lake, reading);
  if (!sources.kafka.isEmpty) await readKafka(sources.kafka, reading);
}

async function readKafka(
  ranges: OffsetRanges,
  { installation: { broker, registry }, contract, signal, onEvents }: Reading,
): Promise<void> {
  const codec = new AvroCodec(contract.schema, registry);
  const [from, until] = [new Map<number, number>(), new Map<number, number>()];
  for (const partition of ranges.partitions) {
    const span = ranges.span(partition);
    if (!span) continue;
    from.set(partition, span.from);
    until.set(partition, span.to);
  }
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let isOver = false;
  const reader = await broker.read({
    topic: contract.topics.raw.name,
    from,
    onBatch: async (batch) => {
      if (isOver) return;
      const records = batch.records.filter(({ offset }) => ranges.has(batch.partition, offset));
      if (records.length === 0) return;
      try {
        const outcomes = await retry(() => decodeAndCheck(contract, codec, { ...batch, records }), {
          signal,
        });
        await onEvents(batch.partition, outcomes);
      } catch (error) {
        // The consumer would read the batch again if this function threw the error.
        isOver = true;
        failed.reject(error);
      }
    },
  });
  try {
    await Promise.race([reader.reached(until, signal), failed.promise]);
  } finally {
    await reader.close();
  }
}

async function readLake(
  ranges: OffsetRanges,
  { installation: { registry }, contract, raw, signal, onEvents }: Reading,
): Promise<void> {
  const codec = new AvroCodec(contract.schema, registry);
  const schemaId = await registry.register(contract.topics.raw.name, contract.schema);
  const toRecord = recordReader(contract.schema);
  const check = recordCheck(contract);
  const inputOf = (offset: number, ingestedAt: Date, record: EventRecord): InputRecord => ({
    offset,
    timestampMs: ingestedAt.getTime(),
    key: Buffer.from(contract.key(record)),
    // The record of the topic by the schema of today; fields that only another schema had are in `_extra`. Encoded on demand, because only events that are
    // sent again or become dead letters need it.
    get value() {
      return codec.encode(record, schemaId);
    },
    headers: {},
  });
  const names = contract.schema.fields.map(({ name }) => name).filter((name) => raw.columns.includes(name));
  for (const add of raw.filesWhere((bounds) => bounds.mayHoldSome(ranges, '_offset'))) {
    signal.throwIfAborted();
    for await (const rows of raw.rowsOf(add, ['_partition', '_offset', '_ingested_at', ...names])) {
      signal.throwIfAborted();
      const outcomes = rows.flatMap((row) => {
        const [partition, offset] = [Number(row._partition), Number(row._offset)];
        if (!ranges.has(partition, offset)) return [];
        const record = toRecord(row);
        const input = inputOf(offset, row._ingested_at as Date, record);
        return [{ partition, outcome: checkedOutcome(check, input, record, schemaId) }];
      });
      for (const [partition, of] of Map.groupBy(outcomes, (each) => each.partition)) {
        const ascending = of.map(({ outcome }) => outcome).sort((x, y) => x.input.offset - y.input.offset);
        await onEvents(partition, ascending);
      }
    }
  }
}
