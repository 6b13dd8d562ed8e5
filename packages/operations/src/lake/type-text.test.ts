import { expect, test } from 'vitest';
import { typeText } from './type-text.ts';

const field = (name: string, type: unknown) => ({ name, type, nullable: true, metadata: {} });

test.each([
  ['long', 'long'],
  ['decimal(9,2)', 'decimal(9,2)'],
  [{ type: 'array', elementType: 'date', containsNull: true }, 'array<date>'],
  [
    {
      ...{ type: 'map', keyType: 'string', valueContainsNull: true },
      valueType: { type: 'struct', fields: [field('a', 'long'), field('b', 'string')] },
    },
    'map<string,struct<a:long,b:string>>',
  ],
  [{ type: 'udt', class: 'x' }, '{"type":"udt","class":"x"}'],
])('the type %j is shown as %s', (type, text) => {
  expect(typeText(type)).toBe(text);
});
