import { longValue } from '@windrow/contracts';
import { describe, expect, test } from 'vitest';
import { DecodedTable, oneField, recordOf, varint } from './testing/decoded-table.ts';

const edges = [0n, 1n, -1n, 63n, 64n, -64n, -65n].concat(
  [13n, 20n, 27n, 28n, 31n, 32n, 34n, 41n, 48n, 52n, 53n, 55n, 56n, 62n, 63n].flatMap((power) =>
    [-1n, 0n, 1n].flatMap((more) => [2n ** power + more, -(2n ** power) + more]),
  ),
);
const longs = edges.filter((value) => BigInt.asIntN(64, value) === value);

describe('integers', () => {
  test.each(longs)('the long %s is exact', (value) => {
    const table = new DecodedTable(oneField('long'));
    expect(table.add(varint(value))).toEqual([true]);
    expect(table.rows).toEqual([[longValue(value)]]);
  });

  test.each(longs)('the long %s becomes the double and the float next to it', (value) => {
    const double = new DecodedTable(oneField('long'), oneField('double'));
    double.add(varint(value));
    expect(double.rows).toEqual([[Number(value)]]);
    const float = new DecodedTable(oneField('long'), oneField('float'));
    float.add(varint(value));
    expect(float.rows).toEqual([[Math.fround(Number(value))]]);
  });

  test.each(longs)('the int %s is exact, or refused where it has more than 32 bits', (value) => {
    const isInt = BigInt.asIntN(32, value) === value;
    for (const wider of ['int', 'long', 'float', 'double']) {
      const table = new DecodedTable(oneField('int'), oneField(wider));
      expect(table.add(varint(value))).toEqual([isInt]);
      const expected = wider === 'float' ? Math.fround(Number(value)) : Number(value);
      expect(table.rows).toEqual(isInt ? [[expected]] : []);
    }
  });

  test('may have bytes to spare, and none beyond those of their type', () => {
    const long = new DecodedTable(oneField('long'));
    const spare = (bytes: number): number[] => [...new Array<number>(bytes - 1).fill(0x80), 0];
    expect(long.add([0x82, 0x80, 0], spare(10), spare(11))).toEqual([true, true, false]);
    // A 65th bit.
    expect(long.add([...spare(10).with(9, 2)], [...spare(10).with(9, 0x81), 0])).toEqual([false, false]);
    expect(long.rows).toEqual([[1], [0]]);
    const int = new DecodedTable(oneField('int'));
    expect(int.add([0x82, 0x80, 0], spare(5), spare(6))).toEqual([true, true, false]);
  });

  test('dates are days, and timestamps are microseconds, whatever the unit of their field', () => {
    const date = { type: 'int', logicalType: 'date' };
    const millis = { type: 'long', logicalType: 'timestamp-millis' };
    const micros = { type: 'long', logicalType: 'timestamp-micros' };
    const table = new DecodedTable(
      recordOf([
        { name: 'd', type: date },
        { name: 't', type: millis },
        { name: 'u', type: ['null', micros] },
      ]),
    );
    table.addValues(
      { d: -1, t: -62_135_596_800_000, u: -1 },
      { d: 15_706, t: 1_356_998_400_001, u: 1_356_998_400_000_001 },
      { d: 0, t: -1, u: null },
    );
    const types = table.columns.schema.columns.slice(0, 3).map(({ type }) => type);
    expect(types).toEqual(['date', 'timestamp', 'timestamp']);
    expect(table.rows).toEqual([
      [-1, -62_135_596_800_000_000n, -1],
      [15_706, 1_356_998_400_001_000, 1_356_998_400_000_001],
      [0, -1_000, null],
    ]);
  });

  test.each(longs)('a time of %s milliseconds is exact in microseconds, or refused', (value) => {
    const table = new DecodedTable(oneField({ type: 'long', logicalType: 'timestamp-millis' }));
    const us = value * 1_000n;
    const isHeld = BigInt.asIntN(64, us) === us;
    expect(table.add(varint(value))).toEqual([isHeld]);
    expect(table.rows).toEqual(isHeld ? [[longValue(us)]] : []);
  });

  test.each([0, -1, 2 ** 31 - 1, -(2 ** 31)])('a time whose writer has an int, %s, is exact', (value) => {
    const table = new DecodedTable(
      oneField('int'),
      oneField({ type: 'long', logicalType: 'timestamp-millis' }),
    );
    expect(table.addValues({ f: value })).toEqual([true]);
    expect(table.rows).toEqual([[value * 1_000]]);
  });

  test('a default time is in microseconds too', () => {
    const time = { type: 'long', logicalType: 'timestamp-millis' };
    const reader = recordOf([{ name: 't', type: time, default: 1_356_998_400_001 }]);
    const table = new DecodedTable(recordOf([{ name: 'x', type: 'int' }]), reader);
    table.addValues({ x: 1 });
    expect(table.rows).toEqual([[1_356_998_400_001_000]]);
  });
});

describe('other values', () => {
  test.each(['float', 'double'])('a %s keeps its sign, NaN and infinities', (type) => {
    const table = new DecodedTable(oneField(type));
    const values = [Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5];
    table.addValues(...values.map((f) => ({ f })));
    expect(table.rows).toEqual(values.map((value) => [value]));
  });

  test('a boolean is true for every byte but 0', () => {
    const table = new DecodedTable(oneField('boolean'));
    expect(table.add([0], [1], [2], [0xff])).toEqual([true, true, true, true]);
    expect(table.rows).toEqual([[false], [true], [true], [true]]);
  });

  test('strings are empty, or as long as a mebibyte', () => {
    const table = new DecodedTable(oneField(['null', 'string']));
    const long = 'ä'.repeat(2 ** 19);
    table.addValues({ f: '' }, { f: long }, { f: null }, { f: `${long}b` }, { f: '' }, { f: 'x' });
    expect(table.rows.map(([value]) => value)).toEqual(['', long, null, `${long}b`, '', 'x']);
  });

  test('bytes that are no UTF-8 are replaced in a text, and kept in a binary column', () => {
    const bytes = [...varint(5n), 0x61, 0xff, 0xe2, 0x82, 0x62];
    const text = new DecodedTable(oneField('string'));
    text.add(bytes);
    expect(text.rows).toEqual([['a\ufffd\ufffdb']]);
    const binary = new DecodedTable(oneField('string'), oneField('bytes'));
    binary.add(bytes);
    expect(binary.rows).toEqual([[Uint8Array.from(bytes.slice(1))]]);
  });

  test('what is not there is refused: a branch, a symbol, a length', () => {
    const union = new DecodedTable(oneField(['null', 'int']));
    expect(union.add([4, 2], [1, 2], [2, 2], [0], [0x82, 0, 2], [0xff, 0x7f])).toEqual([
      false,
      false,
      true,
      true,
      true,
      false,
    ]);
    const symbols = new DecodedTable(oneField({ type: 'enum', name: 'E', symbols: ['A', 'B'] }));
    expect(symbols.add([0], [2], [4], [1], [0x82, 0])).toEqual([true, true, false, false, true]);
    expect(symbols.rows).toEqual([['A'], ['B'], ['B']]);
    for (const type of ['string', 'bytes', { type: 'array', items: 'string' }]) {
      const table = new DecodedTable(oneField(type));
      const inArray = typeof type === 'string' ? [] : [2];
      const huge = varint(2n ** 40n);
      expect(table.add([...inArray, 1], [...inArray, ...huge], [...inArray, ...varint(2n ** 31n)])).toEqual([
        false,
        false,
        false,
      ]);
    }
  });
});

describe('what columns have no form for', () => {
  test('is JSON text, bytes as base64', () => {
    const inner = { type: 'record', name: 'I', fields: [{ name: 'a', type: 'bytes' }] };
    const table = new DecodedTable(
      recordOf([
        { name: 'm', type: { type: 'map', values: ['null', 'double'] } },
        { name: 'i', type: ['null', inner] },
        { name: 'u', type: ['null', 'string', 'int'] },
        { name: 'w', type: ['int', 'long'] },
        { name: 'n', type: 'null' },
      ]),
    );
    table.addValues(
      { m: { é: 1.5, '"': null }, i: { a: Buffer.from('x') }, u: 'text', w: { long: 7 }, n: null },
      { m: {}, i: null, u: 5, w: { int: 7 }, n: null },
      { m: {}, i: null, u: null, w: { int: 7 }, n: null },
    );
    expect(table.rows).toEqual([
      ['{"é":1.5,"\\"":null}', '{"a":"eA=="}', 'text', '{"long":7}', null],
      ['{}', null, '5', '{"int":7}', null],
      ['{}', null, null, '{"int":7}', null],
    ]);
  });

  const array = { type: 'array', items: 'int' };

  test('blocks may tell their size, which has to be true', () => {
    for (const [reader, value] of [
      [oneField(array), '[1,2,3]'],
      // The decoder skips the blocks of the array without reading them.
      [recordOf([{ name: 'g', type: 'string', default: 'none' }]), 'none'],
    ] as const) {
      const table = new DecodedTable(oneField(array), reader);
      expect(table.add([3, 4, 2, 4, 2, 6, 0], [3, 4, 2, 4, 1, 2, 6, 0])).toEqual([true, true]);
      expect(table.rows).toEqual([[value], [value]]);
      // The decoder doesn't check the content of a skipped block.
      expect(table.add([1, 2, 0xff, 0])).toEqual([value === 'none']);
      // Too short, too long, negative, not terminated.
      expect(table.add([3, 2, 2, 4, 0], [3, 8, 2, 4, 0], [3, 3, 2, 4, 0], [3, 4, 2, 4])).toEqual([
        false,
        false,
        false,
        false,
      ]);
    }
  });

  test('asks for no more items without bytes than anybody has', () => {
    const nulls = new DecodedTable(oneField({ type: 'array', items: { type: 'array', items: 'null' } }));
    const many = varint(2n ** 16n);
    expect(nulls.add([2, 6, 0, 0], [2, ...varint(2n ** 50n), 0, 0])).toEqual([true, false]);
    expect(nulls.add([2, ...many, 0, 0], [4, ...many, 0, 2, 0, 0])).toEqual([true, false]);
    expect(nulls.rows[0]).toEqual(['[[null,null,null]]']);
  });

  test('is refused where it is nested deeper than the stack', () => {
    const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] };
    for (const reader of [oneField(list), recordOf([{ name: 'g', type: 'int', default: 1 }])]) {
      const table = new DecodedTable(oneField(list), reader);
      const deep = (depth: number): Uint8Array => new Uint8Array(depth + 1).fill(2, 0, depth);
      expect(table.add(deep(3), deep(1_000_000), deep(2))).toEqual([true, false, true]);
      expect(table.rows.length).toBe(2);
    }
  });
});
