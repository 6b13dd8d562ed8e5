import { AvroRegistry, type EventRecord, loadStreams } from '@windrow/contracts';
import type { ColumnBatch, ParquetEncoder } from '@windrow/lake';
import { describe, expect, it } from 'vitest';
import { type Feed, feedsOf } from './feeds.ts';
import { MicroBatch } from './micro-batch.ts';

const feeds = feedsOf(await loadStreams(), new AvroRegistry('http://127.0.0.1:9'));
const feed = inJson(feeds.find(({ table }) => table === 'raw/track') as Feed);
const minuteMs = 60_000;
const startMs = Date.UTC(2013, 0, 1);

/** Values are JSON here: which bytes they are is the feed's alone. */
function inJson(feed: Feed): Feed {
  return { ...feed, decodeAgain: (value) => JSON.parse(value.toString()) };
}

/** Keeps what it was given. */
function recorder() {
  const batches: ColumnBatch[] = [];
  const encoder: ParquetEncoder = {
    name: 'recorder',
    encode: async (batch) => {
      batches.push(batch);
      return {
        bytes: new Uint8Array(),
        stats: { numRecords: batch.rowCount, minValues: {}, maxValues: {}, nullCount: {} },
      };
    },
  };
  return { batches, encoder };
}

function batchOf(records: EventRecord[], partition = 0): MicroBatch {
  const batch = new MicroBatch(feed);
  batch.advance(partition, 5, 5 + records.length);
  for (const [index, record] of records.entries()) {
    const value = Buffer.from(JSON.stringify(record));
    const input = { offset: 5 + index, timestampMs: 0, key: null, value, headers: {} };
    batch.add(partition, { kind: 'ok', input, record });
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
    const { batches, encoder } = recorder();
    const files = batch.files(encoder, 2);
    expect(files.map(({ partitionValues, namePrefix }) => [partitionValues.date, namePrefix])).toEqual([
      ['2013-01-01', '20130101T0000'],
      ['2013-01-01', '20130101T0010'],
    ]);
    for (const file of files) await file.encode();
    const column = (n: number, name: string) =>
      batches[n]!.columns[batches[n]!.schema.columns.findIndex((column) => column.name === name)];
    expect(column(0, 'event_id')).toEqual(['a', 'b']);
    expect(column(0, '_offset')).toEqual([7, 5]);
    expect(column(0, '_topic')).toEqual(['track.raw', 'track.raw']);
    expect(column(0, 'city')).toEqual([null, null]);
    expect(column(1, 'event_id')).toEqual(['c']);
    expect(batch.ranges()).toEqual([
      { topic: 'track.raw', partition: 0, fromOffset: 5, nextOffset: 8, rows: 3 },
    ]);
    expect(batch.newestMs.get(0)).toBe(startMs + 10 * minuteMs);
  });

  it('makes a file for each date of a month of history, not one for each of its windows', async () => {
    const month = Array.from({ length: 31 * 144 }, (_, window) => ({
      occurred_at: startMs + window * 10 * minuteMs,
    }));
    const { batches, encoder } = recorder();
    const files = batchOf(month).files(encoder, 12);
    expect(files).toHaveLength(31);
    expect(files[0]).toMatchObject({ namePrefix: '20130101T0000', partitionValues: { date: '2013-01-01' } });
    for (const file of files) await file.encode();
    expect(batches.map(({ rowCount }) => rowCount)).toEqual(Array.from({ length: 31 }, () => 144));
  });

  it('makes several files of a window whose rows would take too much memory decoded, and loses none', async () => {
    const text = 'x'.repeat(1 << 20);
    const records = Array.from({ length: 40 }, (_, row) => ({
      event_id: String(row),
      occurred_at: startMs + row,
      properties: text,
    }));
    const { batches, encoder } = recorder();
    for (const file of batchOf(records).files(encoder, 12)) await file.encode();
    expect(batches.map(({ rowCount }) => rowCount)).toEqual([16, 16, 8]);
    expect(batches.flatMap(({ columns }) => Array.from(columns[0]!))).toEqual(
      records.map(({ event_id }) => event_id),
    );
  });

  it('keeps events without a date that readers can spell in the partition without one', () => {
    const times = [null, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, Date.UTC(9999, 11, 31), -1];
    const files = batchOf(times.map((occurred_at) => ({ occurred_at }))).files(recorder().encoder, 12);
    expect(files.map(({ partitionValues, namePrefix }) => [partitionValues.date, namePrefix])).toEqual([
      ['1969-12-31', '19691231T2350'],
      ['9999-12-31', '99991231T0000'],
      [null, 'undated'],
    ]);
  });

  it('counts what is skipped, and keeps positions that move on without rows', () => {
    const batch = new MicroBatch(feed);
    const input = { offset: 1, timestampMs: 0, key: null, value: null, headers: {} };
    batch.advance(3, 1, 2);
    batch.add(3, { kind: 'drop', input, reason: 'decode/empty' });
    batch.advance(3, 2, 9);
    expect([batch.rows, batch.skipped, batch.bytes]).toEqual([0, 1, 0]);
    expect(batch.ranges()).toMatchObject([{ partition: 3, fromOffset: 1, nextOffset: 9, rows: 0 }]);
    expect(batch.files(recorder().encoder, 12)).toEqual([]);
  });
});

it('keeps maps as JSON text', async () => {
  const deadLetters = inJson(feeds.find(({ table }) => table === 'rejected/dead_letter') as Feed);
  const batch = new MicroBatch(deadLetters);
  batch.advance(0, 0, 1);
  const record = { headers: { a: 'b' }, failed_at: startMs };
  const value = Buffer.from(JSON.stringify(record));
  const input = { offset: 0, timestampMs: 0, key: null, value, headers: {} };
  batch.add(0, { kind: 'ok', input, record });
  const { batches, encoder } = recorder();
  await batch.files(encoder, 12)[0]!.encode();
  const at = deadLetters.fields.indexOf('headers');
  expect(batches[0]!.columns[at]).toEqual(['{"a":"b"}']);
});
