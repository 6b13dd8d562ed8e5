import avsc from 'avsc';
import { expect, test } from 'vitest';
import type { AvroRecordSchema } from './avro-record.ts';
import { avroType } from './avro-type.ts';
import { AvroCodec } from './codec.ts';
import type { AvroRegistry } from './registry.ts';
import { resolveSchemas } from './schema-resolution.ts';

const recordOf = (type: unknown): AvroRecordSchema => ({
  type: 'record',
  name: 'Sample',
  fields: [{ name: 'value', type }],
});
const long = (logicalType: string) => ({ type: 'long', logicalType });
const int = (logicalType: string) => ({ type: 'int', logicalType });
const decimal = (precision: number, scale: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
});
const fixed = (size: number, more: object) => ({ type: 'fixed', name: 'F', size, ...more });
const fixedDecimal = (precision: number, scale: number) =>
  fixed(5, { logicalType: 'decimal', precision, scale });

/** Writes a value as avsc does, which knows no logical types, and reads it as a stream with this schema does. */
async function read(writer: unknown, reader: unknown, value: unknown): Promise<unknown> {
  const written = recordOf(writer);
  const bytes = avsc.Type.forSchema(written as unknown as avsc.Schema).toBuffer({ value });
  const registry = { writerType: async () => avroType(written) } as unknown as AvroRegistry;
  const codec = new AvroCodec(recordOf(reader), registry);
  const [decoded] = await codec.decode([Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), bytes])]);
  return decoded?.ok ? decoded.record.value : `${decoded?.reason}: ${decoded?.message}`;
}

const timeMs = 1_700_000_000_123;

test.each([
  ['timestamp-micros', 'timestamp-millis', timeMs * 1000 + 456, timeMs],
  ['timestamp-micros', 'timestamp-millis', -1, -1],
  ['timestamp-micros', 'timestamp-millis', -1000, -1],
  ['timestamp-micros', 'timestamp-millis', -1001, -2],
  ['timestamp-millis', 'timestamp-micros', timeMs, timeMs * 1000],
  ['timestamp-nanos', 'timestamp-micros', 1_999, 1],
  ['local-timestamp-micros', 'local-timestamp-millis', timeMs * 1000, timeMs],
  ['local-timestamp-millis', 'local-timestamp-nanos', 7, 7_000_000],
  ['timestamp-millis', 'timestamp-nanos', timeMs, BigInt(timeMs) * 1_000_000n],
])('%s written to a field of %s: %d is %d', async (writer, reader, value, expected) => {
  expect(await read(long(writer), long(reader), value)).toBe(expected);
});

test('times are converted wherever they are: nullable, in records, arrays, maps and unions', async () => {
  const places: [wrap: (type: unknown) => unknown, value: (time: unknown) => unknown][] = [
    [(type) => ['null', type], (time) => time],
    [(type) => ({ type: 'array', items: ['null', type] }), (time) => [time, null, time]],
    [(type) => ({ type: 'map', values: type }), (time) => ({ a: time })],
    [
      (type) => ({
        type: 'record',
        name: 'Inner',
        fields: [
          { name: 'at', type },
          { name: 'n', type: 'int' },
        ],
      }),
      (time) => ({ at: time, n: 1 }),
    ],
    [(type) => ['null', type, 'string'], (time) => time],
  ];
  for (const [wrap, value] of places) {
    const result = await read(
      wrap(long('timestamp-micros')),
      wrap(long('timestamp-millis')),
      value(timeMs * 1000 + 999),
    );
    expect(result).toEqual(value(timeMs));
  }
  // The writer has no null, the stream has.
  expect(await read(long('timestamp-micros'), ['null', long('timestamp-millis')], timeMs * 1000)).toBe(
    timeMs,
  );
});

test('the milliseconds of a day become microseconds', async () => {
  expect(await read(int('time-millis'), long('time-micros'), 86_399_999)).toBe(86_399_999_000);
});

test('nanoseconds beyond 2^53 are cut exactly', async () => {
  const writer = recordOf(long('timestamp-nanos'));
  const registry = { writerType: async () => avroType(writer) } as unknown as AvroRegistry;
  const bytes = new AvroCodec(writer, registry).encode({ value: 1_700_000_000_123_456_789n }, 7);
  const [decoded] = await new AvroCodec(recordOf(long('timestamp-micros')), registry).decode([bytes]);
  expect(decoded).toMatchObject({ ok: true, record: { value: 1_700_000_000_123_456 } });
});

test('a time beyond the range of the finer unit is refused, not wrapped', async () => {
  expect(await read(long('timestamp-millis'), long('timestamp-nanos'), 2 ** 52)).toMatch(
    /^value_not_convertible: .*4503599627370496 × 1000000 is beyond 64 bits/,
  );
});

const bytesOf = (hex: string) => Buffer.from(hex, 'hex');

test.each([
  [decimal(10, 2), decimal(12, 2), '04d2', '04d2'],
  [decimal(10, 2), decimal(12, 4), '04d2', '01e208'],
  [decimal(10, 2), decimal(12, 4), 'fb2e', 'fe1df8'],
  [decimal(12, 4), decimal(10, 2), '01e208', '04d2'],
  [decimal(10, 0), decimal(12, 2), '', '00'],
  [fixedDecimal(5, 1), fixedDecimal(7, 3), '00000003e8', '00000186a0'],
  [fixedDecimal(5, 1), fixedDecimal(7, 3), 'fffffffc18', 'fffffe7960'],
])('%j written to a field of %j: %s is %s', async (writer, reader, value, expected) => {
  expect(((await read(writer, reader, bytesOf(value))) as Buffer).toString('hex')).toBe(expected);
});

test('a decimal that would lose digits is refused with its value', async () => {
  expect(await read(decimal(12, 4), decimal(10, 2), bytesOf('01e209'))).toMatch(
    /^value_not_convertible: schema 7: the field value: 12\.3401 has more than 2 decimals/,
  );
  expect(await read(decimal(12, 2), decimal(4, 2), bytesOf('0f4240'))).toMatch(
    /^value_not_convertible: .*10000\.00 has more than 4 digits/,
  );
  expect(await read(decimal(12, 2), decimal(4, 2), bytesOf('fb2e'))).toEqual(bytesOf('fb2e'));
});

test('a value that its column in the lake cannot hold is rejected when it is decoded', async () => {
  const last = 9_223_372_036_854_775n;
  const times: [writer: string, value: bigint, isHeld: boolean][] = [
    ['timestamp-millis', last, true],
    ['timestamp-millis', -last, true],
    ['timestamp-millis', last + 1n, false],
    ['timestamp-millis', -last - 1n, false],
    ['timestamp-micros', 2n ** 63n - 1n, true],
  ];
  for (const [type, value, isHeld] of times) {
    const schema = recordOf(['null', long(type)]);
    const registry = { writerType: async () => avroType(schema) } as unknown as AvroRegistry;
    const codec = new AvroCodec(schema, registry);
    const [decoded] = await codec.decode([codec.encode({ value }, 7)]);
    expect(decoded).toMatchObject(
      isHeld
        ? { ok: true }
        : {
            ...{ ok: false, reason: 'value_not_convertible' },
            message: `schema 7: the field value: ${value} milliseconds since 1970 are beyond 64 bits of microseconds`,
          },
    );
  }
  expect(await read(decimal(4, 2), decimal(4, 2), bytesOf('270f'))).toEqual(bytesOf('270f'));
  expect(await read(decimal(4, 2), decimal(4, 2), bytesOf('2710'))).toMatch(
    /^value_not_convertible: schema 7: the field value: 100\.00 has more than 4 digits/,
  );
});

test.each([
  [
    'a list',
    (type: unknown) => ({ type: 'array', items: ['null', type] }),
    (of: unknown) => [null, of],
    '[]',
  ],
  ['a map', (type: unknown) => ({ type: 'map', values: type }), (of: unknown) => ({ a: of }), '{}'],
  [
    'a record',
    (type: unknown) => ({ type: 'record', name: 'In', fields: [{ name: 'price', type: ['null', type] }] }),
    (of: unknown) => ({ price: of }),
    '.price',
  ],
])(
  'a value within %s that its column cannot hold is rejected with its place',
  async (_, typeOf, make, path) => {
    const type = typeOf(decimal(4, 2));
    expect(await read(type, type, make(bytesOf('270f')))).toEqual(make(bytesOf('270f')));
    expect(await read(type, type, make(bytesOf('2710')))).toBe(
      `value_not_convertible: schema 7: the field value${path}: 100.00 has more than 4 digits`,
    );
  },
);

test('JSON text holds any value: of several types, and of a record that contains itself', async () => {
  const several = ['null', decimal(4, 2), 'long'];
  expect(await read(several, several, bytesOf('2710'))).toEqual(bytesOf('2710'));
  const node = {
    ...{ type: 'record', name: 'Node' },
    fields: [
      { name: 'price', type: decimal(4, 2) },
      { name: 'next', type: { type: 'array', items: ['null', 'Node'] } },
    ],
  };
  const value = { price: bytesOf('2710'), next: [{ price: bytesOf('2710'), next: [] }] };
  expect(await read(node, node, value)).toEqual(value);
});

const refused: [writer: unknown, reader: unknown, value: unknown, from: string, to: string][] = [
  [int('date'), long('timestamp-millis'), 1, 'int date', 'long timestamp-millis'],
  [
    long('timestamp-millis'),
    long('local-timestamp-millis'),
    1,
    'long timestamp-millis',
    'long local-timestamp-millis',
  ],
  [
    long('local-timestamp-micros'),
    long('timestamp-micros'),
    1,
    'long local-timestamp-micros',
    'long timestamp-micros',
  ],
  [int('time-millis'), long('timestamp-millis'), 1, 'int time-millis', 'long timestamp-millis'],
  [long('time-micros'), long('timestamp-micros'), 1, 'long time-micros', 'long timestamp-micros'],
  [int('date'), int('time-millis'), 1, 'int date', 'int time-millis'],
  ['bytes', decimal(10, 2), Buffer.of(1), 'bytes', 'bytes decimal(10, 2)'],
  ['string', decimal(10, 2), '1', 'string', 'bytes decimal(10, 2)'],
  [decimal(10, 2), 'string', Buffer.of(1), 'bytes decimal(10, 2)', 'string'],
  [
    fixed(12, { logicalType: 'duration' }),
    fixedDecimalOf12(),
    Buffer.alloc(12),
    'fixed duration',
    'fixed decimal(9, 2)',
  ],
  [long('epoch-seconds'), long('timestamp-millis'), 1, 'long epoch-seconds', 'long timestamp-millis'],
];

function fixedDecimalOf12() {
  return fixed(12, { logicalType: 'decimal', precision: 9, scale: 2 });
}

test.each(refused)(
  '%j can not be read as %j: the schema is refused with the field and both types',
  async (writer, reader, value, from, to) => {
    for (const wrap of [(type: unknown) => type, (type: unknown) => ['null', type]]) {
      expect(await read(wrap(writer), wrap(reader), value)).toMatch(
        new RegExp(
          `^incompatible_schema: .*the field value is written as ${escaped(from)} and read as ${escaped(to)}`,
        ),
      );
    }
  },
);

const escaped = (text: string) => text.replace(/[()]/g, '\\$&');

test('a refusal names the field by its path', () => {
  const wrap = (type: unknown) =>
    avroType(
      recordOf({
        type: 'array',
        items: {
          type: 'record',
          name: 'Item',
          fields: [{ name: 'prices', type: { type: 'map', values: ['null', type] } }],
        },
      }),
    );
  expect(() => resolveSchemas(wrap(int('date')), wrap(long('timestamp-millis')))).toThrow(
    /^the field value\[\]\.prices\{\} is written as int date/,
  );
  expect(resolveSchemas(wrap(long('timestamp-millis')), wrap(long('timestamp-micros'))).converted).toEqual([
    'value[].prices{}',
  ]);
});

test('a type without a logical type takes and gives any', async () => {
  expect(await read('long', long('timestamp-millis'), timeMs)).toBe(timeMs);
  expect(await read(long('timestamp-micros'), 'long', timeMs)).toBe(timeMs);
  expect(await read(int('date'), 'double', 5)).toBe(5);
  expect(await read('string', { type: 'string', logicalType: 'uuid' }, 'u')).toBe('u');
  expect(await read({ type: 'string', logicalType: 'uuid' }, 'string', 'u')).toBe('u');
});

test('equal logical types need no resolver, and one on a type that it is not for is none', () => {
  const [same, again] = [avroType(recordOf(decimal(9, 2))), avroType(recordOf(decimal(9, 2)))];
  expect(resolveSchemas(same, again)).toEqual({ resolver: undefined, converted: [] });
  const misplaced = avroType(recordOf({ type: 'long', logicalType: 'date' }));
  expect(resolveSchemas(misplaced, avroType(recordOf(long('timestamp-millis'))))).toMatchObject({
    converted: [],
  });
});

test("Debezium's own types count as the logical types that they are", async () => {
  const micros = { type: 'long', 'connect.version': 1, 'connect.name': 'io.debezium.time.MicroTimestamp' };
  expect(await read(micros, long('timestamp-millis'), timeMs * 1000)).toBe(timeMs);
});

test('a record that contains itself is compared once', () => {
  const node = (type: unknown) => ({
    type: 'record',
    name: 'Node',
    fields: [
      { name: 'at', type },
      { name: 'next', type: ['null', 'Node'] },
    ],
  });
  const { converted } = resolveSchemas(
    avroType(node(long('timestamp-micros'))),
    avroType(node(long('timestamp-millis'))),
  );
  expect(converted).toEqual(['at']);
});
