import { avroType } from '@windrow/contracts';
import { expect, test } from 'vitest';
import { tableSchemaFromAvro } from '../avro-columns.ts';
import { appendRecord } from './append-record.ts';
import { ColumnBuffers } from './column-buffers.ts';
import { createRecordDecoder } from './create-record-decoder.ts';

const recordOf = (type: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'f', type }] });
const long = (logicalType: string) => ({ type: 'long', logicalType });

function decoded(writer: unknown, reader: unknown, value: unknown) {
  const type = avroType(recordOf(writer));
  const schema = tableSchemaFromAvro(recordOf(reader));
  const decoder = createRecordDecoder(type, avroType(recordOf(reader)), schema);
  const columns = new ColumnBuffers(schema);
  const bytes = type.toBuffer({ f: value });
  const count = decoder.decode(bytes, Int32Array.of(0), Int32Array.of(bytes.length), 0, 1, columns);
  return { count, value: columns.valueAt(0, 0), isGenerated: decoder.isGenerated };
}

test('the unit of the writer decides, as for the enricher', () => {
  const [micros, millis] = [long('timestamp-micros'), long('timestamp-millis')];
  const timeMs = 1_700_000_000_123;
  const converted = decoded(micros, millis, timeMs * 1000 + 999);
  expect(converted).toEqual({ ...decoded(millis, millis, timeMs), isGenerated: false });
  expect(decoded(['null', micros], ['null', millis], timeMs * 1000)).toEqual(converted);
  expect(decoded(millis, millis, timeMs).isGenerated).toBe(true);
});

test('a schema whose logical types do not convert is refused', () => {
  expect(() => decoded({ type: 'int', logicalType: 'date' }, long('timestamp-millis'), 1)).toThrow(
    /R can't be resolved to R: .*the field f is written as int date and read as long timestamp-millis/,
  );
});

test('nested longs beyond 2^53 keep their digits in JSON', () => {
  const several = ['null', { type: 'array', items: 'long' }, 'string'];
  expect(decoded(several, several, [2n ** 63n - 1n, -(2n ** 63n), 1])).toMatchObject({
    count: 1,
    value: '[9223372036854775807,-9223372036854775808,1]',
  });
});

test('a decoded record with a long beyond 2^53 has a row', () => {
  const schema = tableSchemaFromAvro(recordOf('long'));
  const columns = new ColumnBuffers(schema);
  appendRecord(columns, { f: -(2n ** 63n) });
  expect(columns.valueAt(0, 0)).toBe(-(2n ** 63n));
  expect(() => appendRecord(columns, { f: 2n ** 63n })).toThrow(
    /^f is missing, or has a value of another type/,
  );
});
