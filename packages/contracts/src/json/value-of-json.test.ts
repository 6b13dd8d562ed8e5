import { expect, test } from 'vitest';
import { avroType } from '../avro/avro-type.ts';
import { valueOfJson } from './value-of-json.ts';

const fixed = { type: 'fixed', name: 'F', size: 2 };
const uuid = { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' };

test.each([
  [['bytes', 'string'], '"a text"', 'a text'],
  [['bytes', 'string'], '" "', ' '],
  [['bytes', 'string'], '"AP8="', Buffer.of(0, 255)],
  [[fixed, 'string'], '"AP8"', 'AP8'],
  [[uuid, 'string'], '"01234567-89ab-cdef-0123-456789abcdefg"', '01234567-89ab-cdef-0123-456789abcdefg'],
  [['double', 'string'], '"NaN"', Number.NaN],
])('of the union %j, %s is of the first branch that has written it', (union, json, value) => {
  expect(valueOfJson(avroType(union), json)).toEqual(value);
});
