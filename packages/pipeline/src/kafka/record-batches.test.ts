import { createRequire } from 'node:module';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { InputRecord } from '../broker.ts';
import { registerCompression } from './compression.ts';
import {
  type BatchSpec,
  batchOf,
  checksummed,
  encodeBatch,
  encodeRecord,
  plain,
  type RecordSpec,
  recordOf,
  varint,
} from './fixtures/record-batch-bytes.ts';
import { OldMessageFormat, readRecordSet } from './record-batches.ts';

beforeAll(registerCompression);

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const nullable = (maxLength: number) => fc.oneof(bytes(maxLength), fc.constant(null));
const aRecord = fc.record({
  step: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 })),
  timestampDelta: fc.oneof(fc.bigInt(-500n, 500n), fc.bigInt(-(2n ** 52n), 2n ** 52n)),
  key: nullable(20),
  value: fc.oneof({ weight: 8, arbitrary: nullable(200) }, bytes(20_000)),
  headers: fc.array(
    fc.tuple(
      fc.string({ maxLength: 9 }).filter((name) => name !== '__proto__'),
      nullable(9),
    ),
    { maxLength: 3 },
  ),
});
const aBatch = fc
  .record({
    ...{ baseOffset: fc.nat(), codec: fc.nat(4), gap: fc.nat(3), isAppendTime: fc.boolean() },
    records: fc.array(aRecord, { maxLength: 40 }),
  })
  .map(({ records, ...rest }): BatchSpec => {
    let next = -1;
    const numbered = records.map(({ step, ...record }) => {
      next += step;
      return { ...record, offsetDelta: next };
    });
    return { ...plain, ...rest, records: numbered };
  });

const texts = (headers: RecordSpec['headers']) =>
  Object.fromEntries(
    Object.entries(Object.fromEntries(headers)).flatMap(([name, text]) =>
      text === null ? [] : [[name, text.toString()]],
    ),
  );
const expectedRecords = (spec: BatchSpec): InputRecord[] =>
  spec.records.map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
    offset: spec.baseOffset + offsetDelta,
    timestampMs: Number(spec.isAppendTime ? spec.maxTimestamp : spec.baseTimestamp + timestampDelta),
    ...{ key, value, headers: texts(headers) },
  }));

/** All records that are found, each as an object, which must agree with the positions. */
async function read(set: Buffer, aborted: { producerId: string; firstOffset: string }[] = []) {
  const { batches, lastOffset, damage } = await readRecordSet(set, aborted);
  const records = batches.flatMap((batch) => {
    expect(batch.count).toBeGreaterThan(0);
    return Array.from({ length: batch.count }, (_, index) => {
      const [start = Number.NaN, end = Number.NaN] = [batch.valueStarts[index], batch.valueEnds[index]];
      expect(end).toBeLessThanOrEqual(batch.source.length);
      const value = start === -1 ? null : batch.source.subarray(start, end);
      if (value === null) expect(end).toBe(-1);
      const record = batch.record(index);
      expect(record).toMatchObject({ offset: batch.offsets[index], timestampMs: batch.timestampsMs[index] });
      expect(record.value).toEqual(value);
      return record;
    });
  });
  return { records, lastOffset, damage, batches };
}

const values = ({ records }: { records: InputRecord[] }) => records.map(({ value }) => String(value));

test('the records that were written are found, and kafkajs finds the same', async () => {
  const require = createRequire(import.meta.url);
  const Decoder = require('kafkajs/src/protocol/decoder');
  const theirs = require('kafkajs/src/protocol/recordBatch/v0/decoder');
  await fc.assert(
    fc.asyncProperty(aBatch, fc.nat(), async (spec, cut) => {
      const encoded = encodeBatch(spec);
      const found = await read(encoded);
      const expected = expectedRecords(spec);
      expect(found).toMatchObject({ records: expected, damage: undefined });
      expect(found.lastOffset).toBe(spec.baseOffset + (spec.records.at(-1)?.offsetDelta ?? 0) + spec.gap);
      const from = spec.baseOffset + (cut % 50);
      const [batch] = found.batches;
      const rest = batch?.from(from);
      expect([...(rest?.offsets ?? [])]).toEqual(
        expected.map(({ offset }) => offset).filter((offset) => offset >= from),
      );
      if (rest && rest.count > 0) expect(rest.record(rest.count - 1)).toEqual(expected.at(-1));
      if (spec.codec !== 0 && spec.records.length === 0) return;
      const other = (await theirs(new Decoder(encoded))) as { records: Record<string, unknown>[] };
      const comparable = ({ offset, timestamp, key, value }: Record<string, unknown>) => ({
        ...{ offset: Number(offset), timestampMs: Number(timestamp), key, value },
      });
      expect(found.records).toMatchObject(other.records.map(comparable));
    }),
    { numRuns: 200 },
  );
});

test('records whose schema is named in a header are marked, also among others', async () => {
  const guid = Buffer.alloc(17, 1);
  const headers: RecordSpec['headers'][] = [
    [],
    [['__value_schema_id', guid]],
    [['__key_schema_id', guid]],
    [
      ['source', Buffer.from('a')],
      ['apicurio.value.globalId', guid],
    ],
    [['__value_schema_iX', guid]],
  ];
  const records = headers.map((of, index) => ({ ...recordOf(index, 'v'), headers: of }));
  const { batches } = await readRecordSet(encodeBatch({ ...plain, records }), []);
  expect([...(batches[0]?.schemaIdsInHeaders ?? [])]).toEqual([0, 1, 0, 1, 0]);
  expect([...(batches[0]?.from(3).schemaIdsInHeaders ?? [])]).toEqual([1, 0]);
  const [without] = (await readRecordSet(encodeBatch({ ...plain, records: records.slice(0, 1) }), []))
    .batches;
  expect(without?.schemaIdsInHeaders).toBeUndefined();
});

test('wherever a fetch is cut off, the whole batches before are found', async () => {
  const written = [batchOf(5, ['a', 'b']), batchOf(7, [], { gap: 2 }), batchOf(10, ['c'], { codec: 2 })];
  const encoded = written.map((spec) => encodeBatch(spec));
  const all = Buffer.concat(encoded);
  for (let length = 0; length <= all.length; length++) {
    const whole = encoded.filter(
      (_, index) => Buffer.concat(encoded.slice(0, index + 1)).length <= length,
    ).length;
    const found = await read(all.subarray(0, length));
    expect(found).toMatchObject({ lastOffset: [undefined, 6, 9, 10][whole], damage: undefined });
    expect(values(found)).toEqual([[], ['a', 'b'], ['a', 'b'], ['a', 'b', 'c']][whole]);
  }
});

test('whichever bit is wrong, no record of its batch is given, and those before are', async () => {
  const first = encodeBatch(batchOf(5, ['a', 'b']));
  const second = encodeBatch(batchOf(7, ['c', 'd'], { codec: 1 }));
  // What the checksum doesn't cover: the batch's own offset (which broker and client trust), and the leader's epoch.
  const uncovered = (at: number) => at < 8 || (at >= 12 && at < 16);
  for (let at = 0; at < second.length; at++) {
    if (uncovered(at)) continue;
    for (let bit = 0; bit < 8; bit++) {
      const set = Buffer.concat([first, second]);
      set.writeUInt8(set.readUInt8(first.length + at) ^ (1 << bit), first.length + at);
      const found = await read(set);
      expect(values(found)).toEqual(['a', 'b']);
      expect(found.lastOffset).toBe(6);
      // A length that is too large makes it look cut off.
      if (at >= 12) expect(found.damage).toMatchObject({ offset: 7 });
    }
  }
  const behind = await read(Buffer.concat([second, first]));
  expect(values(behind)).toEqual(['c', 'd']);
  expect(behind.damage).toMatchObject({
    offset: 5,
    error: new Error('its offset 5 is not above 8, the one before'),
  });
});

test('bytes that are not just the records are damage, also under a right checksum', async () => {
  const good = encodeRecord(recordOf(0, 'a'));
  const twice = Buffer.concat([good, good]);
  const record = (...parts: Buffer[]) => {
    const body = Buffer.concat([Buffer.alloc(1), ...parts]);
    return Buffer.concat([varint(body.length), body]);
  };
  const [zero, none] = [varint(0), varint(-1)];
  const sections: [string, Buffer][] = [
    ['7 bytes follow the last of 1 records', Buffer.concat([good, Buffer.alloc(7)])],
    ['the bytes end at 7, within a record', good.subarray(0, 7)],
    ["6 bytes can't hold 1 records", good.subarray(0, 6)],
    ['a record whose length is 8 ends at 8 instead of 9', Buffer.concat([varint(8), good.subarray(1)])],
    ['a record whose length is 6 ends at 8 instead of 7', Buffer.concat([varint(6), good.subarray(1)])],
    ['is -2', record(zero, zero, varint(-2), none, zero)],
    ['is -2', record(zero, zero, none, varint(-2), zero)],
    ['is -1', record(zero, zero, none, none, varint(-1))],
    ['is -1', record(zero, zero, none, none, varint(1), none, none)],
    ['an offset delta of 1', record(zero, varint(1), none, none, zero)],
    ['an offset delta of -1', record(zero, varint(-1), none, none, zero)],
    ['within a record', record(zero, zero, varint(2 ** 31 - 1), none, zero)],
    ['within a record', record(zero, zero, none, varint(2 ** 31 - 1), zero)],
    ['within a record', record(zero, zero, none, none, varint(2 ** 31 - 1))],
    ['more than 32 bits', record(zero, varint(2 ** 31), none, none, zero)],
    ['more than 32 bits', record(zero, Buffer.alloc(6, 0x80), none, none, zero)],
    ['more than 64 bits', record(Buffer.alloc(10, 0xff), zero, none, none, zero)],
    ['more than 64 bits', record(Buffer.from([...Buffer.alloc(9, 0x80), 2]), zero, none, none, zero)],
  ];
  for (const [reason, section] of sections) {
    const found = await read(encodeBatch(batchOf(3, ['a']), section));
    expect(found).toMatchObject({ records: [], lastOffset: undefined, damage: { offset: 3 } });
    expect(String(found.damage?.error)).toContain(reason);
  }
  const repeated = await read(encodeBatch(batchOf(3, ['a', 'b']), twice));
  expect(String(repeated.damage?.error)).toContain(
    'an offset delta of 0 comes after 0, and the last one must be 1 at most',
  );
  const fine = await read(
    encodeBatch(batchOf(3, ['a']), record(varint(-(2n ** 63n)), zero, none, none, zero)),
  );
  expect(fine.records).toHaveLength(1);
});

test('whatever is changed under a right checksum, nothing outside of the bytes is read', async () => {
  const change = fc.record({ at: fc.nat(), to: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255)) });
  await fc.assert(
    fc.asyncProperty(aBatch, fc.array(change, { minLength: 1, maxLength: 4 }), async (spec, changes) => {
      const encoded = encodeBatch({ ...spec, codec: 0 });
      const at = (of: number) => 57 + (of % (encoded.length - 57));
      for (const { at: of, to } of changes) encoded[at(of)] = to;
      const { records, damage } = await read(checksummed(encoded));
      const last = spec.baseOffset + encoded.readInt32BE(23);
      for (const [index, { offset }] of records.entries()) {
        expect(offset).toBeGreaterThan(records[index - 1]?.offset ?? spec.baseOffset - 1);
        expect(offset).toBeLessThanOrEqual(last);
      }
      if (damage) expect(records).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

test("what can't be decompressed, or is of no known format, is damage; the format before 0.11 has its own", async () => {
  const compressed = encodeBatch(batchOf(0, ['a'], { codec: 2 }));
  const [broken, unknown] = [Buffer.from(compressed).fill(0xff, 61), Buffer.from(compressed)];
  unknown.writeInt16BE(7, 21);
  expect((await read(checksummed(broken))).damage).toBeDefined();
  expect((await read(checksummed(unknown))).damage?.error).toEqual(
    new Error('its compression codec 7 is unknown'),
  );
  for (const length of [48, 0, -12, -(2 ** 31)]) {
    const short = encodeBatch(batchOf(2, ['b']));
    short.writeInt32BE(length, 8);
    const error = new Error(`a record batch can't be ${12 + length} bytes long`);
    expect(await read(short)).toMatchObject({ records: [], damage: { offset: 2, error } });
  }
  const backwards = await read(encodeBatch(batchOf(2, [], { gap: -1 })));
  expect(backwards.damage?.error).toEqual(new Error('its last offset is 1 below its first'));
  const negative = await read(encodeBatch(batchOf(-2, ['b'])));
  expect(negative.damage?.error).toEqual(new Error('its offset -2 is not above -1, the one before'));
  for (const [magic, error] of [
    [0, new OldMessageFormat('it is in message format 0')],
    [1, new OldMessageFormat('it is in message format 1')],
    [3, new Error('it is in message format 3')],
  ] as const) {
    const other = encodeBatch(batchOf(2, ['b']));
    other.writeInt8(magic, 16);
    const found = await read(Buffer.concat([encodeBatch(batchOf(0, ['a'])), other]));
    expect(values(found)).toEqual(['a']);
    expect(found.damage).toEqual({ offset: 2, error });
    expect(found.damage?.error).toBeInstanceOf(error.constructor);
  }
});

test('records of aborted transactions and control records are left out, wherever a fetch begins', async () => {
  const anAct = fc.record({
    producer: fc.nat(3),
    act: fc.constantFrom('send', 'send', 'send', 'sendPlain', 'commit', 'abort', 'abort, compacted'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(anAct, { maxLength: 40, size: 'max' }), async (acts) => {
      const log: { spec: BatchSpec; isCommitted?: boolean }[] = [];
      const open = new Map<number, typeof log>();
      const aborted: { producerId: string; firstOffset: string; marker: number }[] = [];
      for (const { producer, act } of acts) {
        const former = log.at(-1)?.spec;
        const offset = former ? former.baseOffset + Math.max(1, former.records.length) : 0;
        const ids = { producerId: BigInt(producer), isTransactional: act !== 'sendPlain' };
        const names = Array.from({ length: 1 + (offset % 3) }, (_, index) => `v${offset + index}`);
        if (act === 'sendPlain') log.push({ spec: batchOf(offset, names, ids), isCommitted: true });
        else if (act === 'send') {
          const entry = { spec: batchOf(offset, names, ids) };
          log.push(entry);
          open.set(producer, [...(open.get(producer) ?? []), entry]);
        } else {
          const sent = open.get(producer);
          if (!sent) continue;
          open.delete(producer);
          const type = act === 'commit' ? 1 : 0;
          const marker = { ...recordOf(0, ''), key: Buffer.from([0, 0, 0, type]) };
          // Compaction may take a marker's record when nothing before it is left of its transaction.
          const isCompacted = act === 'abort, compacted';
          if (isCompacted) for (const { spec } of sent) spec.records = [];
          log.push({
            spec: {
              ...batchOf(offset, [], { ...ids, isControl: true }),
              records: isCompacted ? [] : [marker],
            },
          });
          for (const entry of sent) entry.isCommitted = type === 1;
          if (type === 0)
            aborted.push({
              ...{ producerId: String(producer), marker: offset },
              firstOffset: String(sent[0]?.spec.baseOffset),
            });
        }
      }
      // Behind the first open transaction the broker gives nothing.
      const stable = log.findIndex(({ spec, isCommitted }) => isCommitted === undefined && !spec.isControl);
      const given = stable === -1 ? log : log.slice(0, stable);
      for (let from = 0; from <= given.length; from++) {
        const rest = given.slice(from);
        const [begin, end] = [rest[0]?.spec.baseOffset ?? 0, rest.at(-1)?.spec.baseOffset ?? 0];
        const listed = aborted.filter(
          ({ marker, firstOffset }) => marker >= begin && Number(firstOffset) <= end,
        );
        const found = await read(Buffer.concat(rest.map(({ spec }) => encodeBatch(spec))), listed);
        expect(found.damage).toBeUndefined();
        const committed = rest.flatMap(({ spec, isCommitted }) => (isCommitted ? spec.records : []));
        expect(values(found)).toEqual(committed.map(({ value }) => String(value)));
      }
    }),
    { numRuns: 100 },
  );
});
