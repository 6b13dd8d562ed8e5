import { AvroRegistry, type EventRecord, loadStreams } from '@windrow/contracts';
import {
  ColumnBuffers,
  type ColumnValue,
  type FileRows,
  type ParquetEncoder,
  withTextColumns,
} from '@windrow/lake';
import { must } from '@windrow/runtime/testing';
import { describe, expect, it } from 'vitest';
import { type Feed, feedsOf } from './feeds.ts';
import { MicroBatch } from './micro-batch.ts';

const feeds = feedsOf(await loadStreams(), new AvroRegistry('http://127.0.0.1:9'), () => undefined);
const plannedFor = (path: string) => must(feeds.find(({ table }) => table === path));
const track = plannedFor('raw/track');
const feed = track.into(track.schema);
const minuteMs = 60_000;
const startMs = Date.UTC(2013, 0, 1);

/** An encoder that keeps the values of the files. */
function recorder() {
  const files: Record<string, ColumnValue[]>[] = [];
  const encoder: ParquetEncoder = {
    name: 'recorder',
    encode: async ({ buffers, order = new Uint32Array() }: FileRows) => {
      const columns = buffers.schema.columns.map(({ name }, column) => [
        name,
        Array.from(order, (row) => buffers.valueAt(column, row)),
      ]);
      files.push(Object.fromEntries(columns));
      return {
        bytes: new Uint8Array(),
        stats: { numRecords: order.length, minValues: {}, maxValues: {}, nullCount: {} },
      };
    },
  };
  return { files, encoder };
}

/** The record with all fields of its feed: defaults, and something for the others. */
function complete({ schema }: Feed, record: EventRecord): EventRecord {
  const fields = schema.record?.fields ?? [];
  return Object.fromEntries(
    fields.map((field) => {
      const { name, type } = field;
      const other = type.typeName === 'string' ? 'x' : type.typeName.startsWith('union:') ? null : 0;
      return [name, record[name] ?? (field.defaultValue() as unknown) ?? other];
    }),
  );
}

function batchOf(records: EventRecord[], partition = 0): MicroBatch {
  const batch = new MicroBatch(feed, new ColumnBuffers(feed.schema));
  for (const [index, record] of records.entries()) {
    const input = { offset: 5 + index, timestampMs: 0, key: null, value: null, headers: {} };
    batch.add(partition, { kind: 'ok', input, record: complete(feed, record) });
  }
  return batch;
}

describe('MicroBatch', () => {
  it('makes a file for each window, rows in the order of event time, with where they came from', async () => {
    const batch = batchOf([
      { event_id: 'b', occurred_at: startMs + 9 * minuteMs },
      { event_id: 'c', occurred_at: startMs + 10 * minuteMs },
      { event_id: 'a', occurred_at: startMs },
    ]);
    const { files, encoder } = recorder();
    const planned = batch.files(encoder, 2);
    expect(planned.map(({ partitionValues, namePrefix }) => [partitionValues.date, namePrefix])).toEqual([
      ['2013-01-01', '20130101T0000'],
      ['2013-01-01', '20130101T0010'],
    ]);
    for (const file of planned) await file.encode();
    expect(files[0]).toMatchObject({
      event_id: ['a', 'b'],
      city: [null, null],
      _offset: [7, 5],
      _partition: [0, 0],
      _topic: ['track.raw', 'track.raw'],
      _ingested_at: [batch.openedMs * 1_000, batch.openedMs * 1_000],
    });
    expect(files[1]).toMatchObject({ event_id: ['c'] });
    const range = { partition: 0, fromOffset: 5, nextOffset: 8 };
    expect(batch.ledgerRanges([range])).toEqual([{ ...range, topic: 'track.raw', rows: 3 }]);
    expect(batch.newestMs.get(0)).toBe(startMs + 10 * minuteMs);
  });

  it('makes a file for each date of a month of history, not one for each of its windows', async () => {
    const month = Array.from({ length: 31 * 144 }, (_, window) => ({
      occurred_at: startMs + window * 10 * minuteMs,
    }));
    const { files, encoder } = recorder();
    const planned = batchOf(month).files(encoder, 12);
    expect(planned).toHaveLength(31);
    expect(planned[0]).toMatchObject({
      namePrefix: '20130101T0000',
      partitionValues: { date: '2013-01-01' },
    });
    for (const file of planned) await file.encode();
    expect(files.map(({ _offset }) => _offset?.length)).toEqual(Array.from({ length: 31 }, () => 144));
  });

  it('keeps events without a date that readers can spell in the partition without one', () => {
    const times = [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, Date.UTC(9999, 11, 31), -1];
    const planned = batchOf(times.map((occurred_at) => ({ occurred_at }))).files(recorder().encoder, 12);
    expect(planned.map(({ partitionValues, namePrefix }) => [partitionValues.date, namePrefix])).toEqual([
      ['1969-12-31', '19691231T2350'],
      ['9999-12-31', '99991231T0000'],
      [null, 'undated'],
    ]);
  });

  it('counts what is skipped, and keeps positions that move on without rows', () => {
    const batch = new MicroBatch(feed, new ColumnBuffers(feed.schema));
    const input = { offset: 1, timestampMs: 0, key: null, value: null, headers: {} };
    batch.add(3, { kind: 'drop', input, reason: 'decode/empty' });
    expect([batch.rowCount, batch.skipped, batch.usedBytes]).toEqual([0, 1, 0]);
    const range = { partition: 3, fromOffset: 1, nextOffset: 9 };
    expect(batch.ledgerRanges([range])).toMatchObject([{ ...range, rows: 0 }]);
    expect(batch.files(recorder().encoder, 12)).toEqual([]);
  });

  it('tells when events were accepted: by their own account, and by Kafka where they are history', () => {
    const batch = batchOf([{ received_at: startMs }, { received_at: 0 }]);
    batch.noteAccepted(0, startMs + 5);
    batch.noteAccepted(0, startMs + 2 * 60 * minuteMs);
    batch.noteAccepted(1, startMs + 7);
    expect(batch.acceptedMs).toEqual([startMs, startMs + 2 * 60 * minuteMs, startMs + 7]);
  });
});

describe('the headers of a dead letter', () => {
  const { into, schema } = plannedFor('rejected/dead_letter');

  /** The headers of a row in a table of this schema. */
  function headersIn(deadLetters: Feed, headers: Record<string, string>) {
    const batch = new MicroBatch(deadLetters, new ColumnBuffers(deadLetters.schema));
    const input = { offset: 0, timestampMs: 0, key: null, value: null, headers: {} };
    const record = complete(deadLetters, { headers, failed_at: startMs });
    batch.add(0, { kind: 'ok', input, record });
    return must(
      batch.buffers.columns[deadLetters.schema.columns.findIndex(({ name }) => name === 'headers')],
    );
  }

  it('are a map', () => {
    const column = headersIn(into(schema), { a: 'b' });
    const leaves = column.kind === 'nested' ? column.leaves : [];
    const texts = leaves.map(({ values }) =>
      values.kind === 'bytes' ? Buffer.from(values.entries.entry(values.codes[0] ?? -1)).toString() : '',
    );
    expect(texts).toEqual(['a', 'b']);
  });

  it('are JSON text in a table of an older version', () => {
    const column = headersIn(into(withTextColumns(schema)), { a: 'b' });
    const text = column.kind === 'bytes' ? column.entries.entry(column.codes[0] ?? -1) : Buffer.alloc(0);
    expect(Buffer.from(text).toString()).toBe('{"a":"b"}');
  });
});
