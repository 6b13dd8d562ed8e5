import { describe, expect, test } from 'vitest';
import { tableSchemaFromAvro } from '../avro-columns.ts';
import { createRecordDecoder } from './create-record-decoder.ts';
import { DecodedTable, oneField, recordOf, typeOf, varint } from './testing/decoded-table.ts';

const everyType = recordOf([
  { name: 'a', type: ['null', 'string'] },
  { name: 'b', type: 'boolean' },
  { name: 'c', type: 'double' },
  { name: 'd', type: ['float', 'null'] },
  { name: 'e', type: 'long' },
  { name: 'f', type: 'int' },
  { name: 'g', type: 'bytes' },
  { name: 'h', type: { type: 'fixed', name: 'F', size: 3 } },
  { name: 'i', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } },
  { name: 'j', type: { type: 'map', values: 'long' } },
  { name: 'k', type: { type: 'array', items: 'string' } },
]);

const everyValue = {
  a: 'twenty',
  b: true,
  c: 0.1,
  d: 0.5,
  e: 2 ** 45,
  f: -123_456,
  g: Buffer.from('bytes'),
  h: Buffer.from('fix'),
  i: 'B',
  j: { k: 1 },
  k: ['one', 'two'],
};
const everyCell = [
  'twenty',
  true,
  0.1,
  0.5,
  2 ** 45,
  -123_456,
  Uint8Array.from(everyValue.g),
  Uint8Array.from(everyValue.h),
  'B',
  '{"k":1}',
  '["one","two"]',
];

describe('records', () => {
  test('that are cut anywhere, or have a byte too many, leave nothing behind', () => {
    const table = new DecodedTable(everyType);
    const whole = table.writer.toBuffer(everyValue);
    for (let end = 0; end < whole.length; end++) {
      expect(table.add(whole, whole.subarray(0, end), whole)).toEqual([true, false, true]);
    }
    expect(table.add(Buffer.concat([whole, Buffer.of(0)]), whole)).toEqual([false, true]);
    expect(table.rows).toEqual(new Array(2 * whole.length + 1).fill(everyCell));
    expect(new Set(table.columns.columns.slice(0, 11).map(({ rows }) => rows)).size).toBe(1);
  });

  test('whose fields nobody reads any more are skipped, and are valid or not all the same', () => {
    const table = new DecodedTable(everyType, recordOf([{ name: 'l', type: 'int', default: -5 }]));
    const whole = table.writer.toBuffer(everyValue);
    for (let end = 0; end < whole.length; end++) {
      expect(table.add(whole.subarray(0, end), whole)).toEqual([false, true]);
    }
    expect(table.rows).toEqual(new Array(whole.length).fill([-5]));
  });

  test('come in after others were taken back, and after all were cleared', () => {
    const table = new DecodedTable(everyType);
    const named = (a: string | null) => ({ ...everyValue, a });
    table.addValues(named('one'), named('two'), named(null), named('four'));
    table.columns.truncate(1);
    table.addValues(named('three'), named(null));
    expect(table.rows.map(([a]) => a)).toEqual(['one', 'three', null]);
    table.columns.clear();
    expect(table.rows).toEqual([]);
    table.addValues(named(null), named('five'), named('one'));
    expect(table.rows.map(([a]) => a)).toEqual([null, 'five', 'one']);
    expect(table.rows.map((row) => row[8])).toEqual(['B', 'B', 'B']);
  });

  test('have their texts whether or not the dictionary is given up among them', () => {
    const table = new DecodedTable(oneField('string'));
    const texts: string[] = [];
    for (let batch = 0; batch < 20; batch++) {
      const values = Array.from({ length: 1_000 }, (_, index) => `text ${1_000 * batch + index}`);
      table.addValues(...values.map((f) => ({ f })), { f: 'always' });
      texts.push(...values, 'always');
    }
    const [column] = table.columns.columns;
    expect(column?.kind === 'bytes' && column.entries.isDictionary).toBe(false);
    expect(table.rows.map(([text]) => text)).toEqual(texts);
  });

  test('may have hundreds of fields, and none', () => {
    const names = Array.from({ length: 400 }, (_, index) => `f${index}`);
    const table = new DecodedTable(
      recordOf(names.map((name) => ({ name, type: ['null', 'string', 'int'][index(name) % 3] }))),
    );
    const value = Object.fromEntries(names.map((name) => [name, [null, name, index(name)][index(name) % 3]]));
    table.addValues(value, value);
    expect(table.rows).toEqual([Object.values(value), Object.values(value)]);
    expect(new DecodedTable(recordOf([])).add([], [0], [])).toEqual([true, false, true]);
  });

  test('have fields of any name, and defaults of any content', () => {
    const text = '`*/; throw 1; //\n"\u2028';
    const names = ['class', 'default', 'record', 'source', 'pos', 'columns', 'n', 'toString'];
    const schema = recordOf(names.map((name) => ({ name, type: 'string' })));
    const later = recordOf([
      { name: 'await', type: 'string', default: text },
      { name: 'long', type: ['long', 'null'], default: -(2 ** 40) },
      { name: 'view', type: 'bytes', default: '\u00ff' },
      { name: 'row', type: { type: 'array', items: 'string' }, default: [text] },
      { name: 'class', type: 'string' },
    ]);
    const same = new DecodedTable(schema);
    const value = Object.fromEntries(names.map((name) => [name, name]));
    same.addValues(value);
    expect(same.rows).toEqual([names]);
    const added = new DecodedTable(recordOf([{ name: 'class', type: 'string' }]), later);
    added.addValues({ class: 'a' }, { class: 'b' });
    const defaults = [text, -(2 ** 40), Uint8Array.of(255), JSON.stringify([text])];
    expect(added.rows).toEqual([
      [...defaults, 'a'],
      [...defaults, 'b'],
    ]);
  });

  test('whose field has two readers are in both columns', () => {
    const later = recordOf([
      { name: 'f', type: 'double' },
      { name: 'g', type: 'long', aliases: ['f'] },
    ]);
    const table = new DecodedTable(oneField('int'), later);
    table.addValues({ f: 3 }, { f: -2 });
    expect(table.rows).toEqual([
      [3, 3],
      [-2, -2],
    ]);
  });
});

function index(name: string): number {
  return Number(name.slice(1));
}

describe('schemas', () => {
  test('change as the specification has it', () => {
    const symbols = (names: string[], other?: string) => ({
      type: 'enum',
      name: 'E',
      symbols: names,
      default: other,
    });
    const earlier = recordOf([
      { name: 'gone', type: { type: 'map', values: 'string' } },
      { name: 'symbol', type: symbols(['A', 'B', 'C']) },
      { name: 'required', type: 'int' },
      { name: 'optional', type: ['null', 'float'] },
      { name: 'either', type: ['string', 'bytes'] },
      { name: 'old_name', type: 'bytes' },
    ]);
    const later = recordOf([
      { name: 'new_name', type: ['string', 'null'], aliases: ['old_name'] },
      { name: 'either', type: 'string' },
      { name: 'added', type: ['null', 'string'], default: null },
      { name: 'optional', type: ['double', 'null'] },
      { name: 'required', type: ['null', 'long'] },
      { name: 'symbol', type: symbols(['C', 'Other', 'A'], 'Other') },
    ]);
    const table = new DecodedTable(earlier, later);
    const value = {
      gone: { a: 'b' },
      symbol: 'A',
      required: -7,
      optional: 0.5,
      either: 'é',
      old_name: Buffer.from('ü'),
    };
    table.addValues(
      value,
      { ...value, symbol: 'B', optional: null, either: Buffer.from('bytes') },
      { ...value, symbol: 'C', gone: {} },
    );
    expect(table.rows).toEqual([
      ['ü', 'é', null, 0.5, -7, 'A'],
      ['ü', 'bytes', null, null, -7, 'Other'],
      ['ü', 'é', null, 0.5, -7, 'C'],
    ]);
  });

  test('that code is not generated for are read by avsc, into the same columns', () => {
    const other = {
      type: 'record',
      name: 'Other',
      aliases: ['R'],
      fields: (everyType as { fields: unknown[] }).fields,
    };
    const table = new DecodedTable([everyType], other);
    expect(table.decoder).toMatchObject({ isGenerated: false, fallbackReason: /union/ });
    const bytes = table.writer.toBuffer(everyValue);
    const cut = bytes.subarray(0, -1);
    expect(table.add(bytes, cut, Buffer.concat([bytes, Buffer.of(0)]), bytes)).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(table.rows).toEqual([everyCell, everyCell]);
    const pair = recordOf([
      { name: 'a', type: 'string' },
      { name: 'b', type: 'int' },
    ]);
    const pairs = new DecodedTable([pair], pair);
    expect(pairs.add([0, 2, 0x61, ...varint(2n ** 31n)], [0, 2, 0x62, 2])).toEqual([false, true]);
    expect(pairs.rows).toEqual([['b', 1]]);
  });

  test('that do not fit together are told', () => {
    expect(() => new DecodedTable(oneField('string'), oneField('int'))).toThrow(
      expect.objectContaining({
        code: 'SCHEMA_INCOMPATIBLE',
        message: expect.stringContaining("R can't be resolved to R"),
      }),
    );
    const type = typeOf(oneField('int'));
    const wrongType = tableSchemaFromAvro(oneField('string'));
    expect(() => createRecordDecoder(type, type, wrongType)).not.toThrow();
    for (const schema of [tableSchemaFromAvro(oneField('double')), tableSchemaFromAvro(recordOf([]))]) {
      expect(() => createRecordDecoder(type, type, schema)).toThrow(
        expect.objectContaining({ code: 'CONTRACT_INVALID' }),
      );
    }
  });
});
