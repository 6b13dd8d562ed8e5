import { expect, test } from 'vitest';
import { jsonWriter } from './avro-json.ts';
import { avroType } from './avro-type.ts';
import { maxEmptyItems } from './exact-collections.ts';

const map = (values: unknown) => ({ type: 'map', values });
const array = (items: unknown) => ({ type: 'array', items });

test('an entry of a map may have any name, also when schemas are resolved', () => {
  const text = '{"a":1,"__proto__":2,"constructor":3,"":4}';
  const [written, read] = [avroType(map('int')), avroType(map('long'))];
  const bytes = written.toBuffer(JSON.parse(text));
  expect(jsonWriter(written)(written.fromBuffer(bytes))).toBe(text);
  const resolved = read.fromBuffer(bytes, read.createResolver(written));
  expect(jsonWriter(read)(resolved)).toBe(text);
  expect(read.toBuffer(resolved)).toEqual(bytes);
});

test('blocks with their size, and items without bytes', () => {
  const numbers = avroType(array('int'));
  // −2 items in 2 bytes, 1 item, the end.
  expect(numbers.fromBuffer(Buffer.from('03040204020600', 'hex'))).toEqual([1, 2, 3]);
  const nulls = avroType(array('null'));
  for (const [count, isRead] of [
    [maxEmptyItems, true],
    [maxEmptyItems + 1, false],
  ] as const) {
    const bytes = nulls.toBuffer(Array(count).fill(null));
    if (isRead) expect(nulls.fromBuffer(bytes)).toHaveLength(count);
    else expect(() => nulls.fromBuffer(bytes)).toThrow(/^a block has \d bytes? for 65537 items$/);
  }
});

test.each([
  ['array', array('int')],
  ['array of nulls', array('null')],
  ['map', map('string')],
])('an %s that claims more items than it has bytes is refused at once', (_, schema) => {
  const items = avroType('long').toBuffer(2 ** 50);
  const bytes = Buffer.concat([items, Buffer.alloc(20)]);
  expect(() => avroType(schema).fromBuffer(bytes)).toThrow('a block has 20 bytes for 1125899906842624 items');
});

test.each([
  // A block of one item whose size leads back to its begin.
  ['goes back', '0103', []],
  ['claims more items than it has bytes', '', [2 ** 50]],
])('a field that the reader lacks and that %s is refused at once', (_, hex, sizes) => {
  const recordOf = (fields: object[]) => avroType({ type: 'record', name: 'R', fields });
  const kept = { name: 'kept', type: 'int' };
  const writer = recordOf([{ name: 'left_out', type: array('int') }, kept]);
  const reader = recordOf([kept]);
  const bytes = Buffer.concat([
    Buffer.from(hex, 'hex'),
    ...sizes.map((size) => avroType('long').toBuffer(size)),
  ]);
  expect(() => reader.fromBuffer(bytes, reader.createResolver(writer))).toThrow();
});
