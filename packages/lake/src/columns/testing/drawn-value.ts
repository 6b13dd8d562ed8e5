import { must } from '@windrow/runtime/testing';
import type { Type, types } from 'avsc';
import fc from 'fast-check';
import type { SchemaDraw } from './drawn-schema.ts';

/** A value of the type, as avsc encodes it. */
export function drawnValue(draw: SchemaDraw, type: Type, depth = 4): unknown {
  const { g } = draw;
  switch (type.typeName) {
    case 'null':
      return null;
    case 'boolean':
      return g(fc.boolean);
    case 'int':
      return draw.chance(50)
        ? g(fc.integer)
        : draw.oneOf([0, -1, 63, 64, -64, -65, 8_191, 8_192, 2 ** 31 - 1, -(2 ** 31)]);
    case 'long': {
      const edges = [0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 34 - 1, 2 ** 48, -(2 ** 52), 2 ** 52];
      return draw.chance(50) ? g(fc.integer, { min: -(2 ** 52), max: 2 ** 52 }) : draw.oneOf(edges);
    }
    case 'float':
      return g(fc.float);
    case 'double':
      return g(fc.double);
    case 'bytes':
      return Buffer.from(g(fc.uint8Array, { maxLength: 12 }));
    case 'string':
      return draw.chance(60)
        ? draw.oneOf(['', 'a', 'same', 'another one', 'Zürich', '日本語', 'x'.repeat(300)])
        : g(fc.string, { unit: draw.chance(50) ? 'binary' : 'grapheme', maxLength: 80 });
    case 'fixed':
      return Buffer.from(g(fc.uint8Array, sized((type as types.FixedType).size)));
    case 'enum':
      return draw.oneOf((type as types.EnumType).symbols);
    case 'array':
      return Array.from({ length: depth > 0 ? draw.upTo(3) : 0 }, () =>
        drawnValue(draw, (type as types.ArrayType).itemsType, depth - 1),
      );
    case 'map': {
      const count = depth > 0 ? draw.upTo(3) : 0;
      const entries = Array.from({ length: count }, (): [string, unknown] => [
        draw.oneOf(['', 'a', 'ß', 'toJSON', '__proto__', '7', 'b']),
        drawnValue(draw, (type as types.MapType).valuesType, depth - 1),
      ]);
      return Object.fromEntries(entries);
    }
    case 'union:unwrapped':
    case 'union:wrapped': {
      const { types: branches } = type as types.WrappedUnionType;
      const absent = branches.findIndex(({ typeName }) => typeName === 'null');
      const branch = depth <= 0 && absent >= 0 ? must(branches[absent]) : draw.oneOf(branches);
      const value = drawnValue(draw, branch, depth - 1);
      return value === null || type.typeName === 'union:unwrapped'
        ? value
        : { [must(branch.branchName)]: value };
    }
    default:
      return Object.fromEntries(
        (type as types.RecordType).fields.map((field) => [
          field.name,
          drawnValue(draw, field.type, depth - 1),
        ]),
      );
  }
}

function sized(size: number): { minLength: number; maxLength: number } {
  return { minLength: size, maxLength: size };
}
