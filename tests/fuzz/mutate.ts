import { must } from '@windrow/runtime/testing';
import type { Draw } from '../chaos/draw.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Changes one to four places of the bytes: flips, overwrites, deletes, duplicates, inserts or truncates. */
export function mutateBytes(bytes: Buffer, draw: Draw): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = draw.between(1, 4); left > 0; left--) mutated = mutateOnce(mutated, draw);
  return mutated;
}

function mutateOnce(bytes: Buffer, draw: Draw): Buffer {
  if (bytes.length === 0) return made(draw, 20);
  const at = draw.between(0, bytes.length - 1);
  const end = Math.min(bytes.length, at + draw.between(1, 40));
  switch (draw.between(0, 5)) {
    case 0:
      bytes[at] = must(bytes[at]) ^ (1 << draw.between(0, 7));
      return bytes;
    case 1:
      bytes[at] = draw.one([0, 0x7f, 0x80, 0xff, 0x22, 0x5c, 0x7b, 0x5d]);
      return bytes;
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), made(draw, 20), bytes.subarray(at)]);
    default:
      return bytes.subarray(0, at);
  }
}

/** Random bytes, up to a length. */
export function made(draw: Draw, mostBytes: number): Buffer {
  return Buffer.from(Array.from({ length: draw.between(0, mostBytes) }, () => draw.between(0, 255)));
}

/** Values that often break programs. */
const troublesome: readonly Json[] = [
  null,
  true,
  '',
  ' ',
  'null',
  '\u0000',
  '\ud800',
  '💥'.repeat(50),
  'x'.repeat(40_000),
  0,
  -0,
  -1,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e308,
  5e-324,
  0.1,
  [],
  {},
  [[[[[]]]]],
  { $ne: null },
  '2013-02-30T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '+275760-09-13T00:00:00.000Z',
  '1969-12-31T23:59:59.999+14:00',
  -8_640_000_000_000_001,
  "'; DROP TABLE curated.track_event; --",
];
const troublesomeKeys = ['__proto__', 'constructor', 'toString', '', 'a.b', 'messageId', 'batch', 'type'];

/** Changes one to four places of a JSON value: replaces, deletes, adds or swaps values. */
export function mutateJson(value: Json, draw: Draw): Json {
  const root: { [key: string]: Json } = { value: structuredClone(value) };
  for (let left = draw.between(1, 4); left > 0; left--) {
    const place = draw.one(placesOf(root));
    const { holder, key } = place;
    switch (draw.between(0, 4)) {
      case 0:
        if (holder === root) put(place, draw.one(troublesome));
        else if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
        break;
      case 1:
        put({ holder, key: Array.isArray(holder) ? key : draw.one(troublesomeKeys) }, draw.one(troublesome));
        break;
      case 2:
        put(place, nested(draw.between(2, 400)));
        break;
      case 3: {
        const other = draw.one(placesOf(root));
        put(place, structuredClone(must((other.holder as { [key: string]: Json })[other.key])));
        break;
      }
      default:
        put(place, draw.one(troublesome));
    }
  }
  return root.value ?? null;
}

interface Place {
  holder: Json[] | { [key: string]: Json };
  key: string;
}

function placesOf(holder: Json): Place[] {
  if (typeof holder !== 'object' || holder === null) return [];
  return Object.keys(holder).flatMap((key) => [
    { holder, key },
    ...placesOf(must((holder as { [key: string]: Json })[key])),
  ]);
}

/** Own properties only: JSON.parse can create a key such as `__proto__`. */
function put({ holder, key }: Place, value: Json): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
