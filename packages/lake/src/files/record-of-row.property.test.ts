import { type AvroRecordSchema, avroType, jsonWriter } from '@windrow/contracts';
import { must } from '@windrow/runtime/testing';
import type { Type, types } from 'avsc';
import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { expect, test } from 'vitest';
import { ColumnBuffers } from '../columns/column-buffers.ts';
import { createRecordDecoder } from '../columns/create-record-decoder.ts';
import { nestedColumnType } from '../columns/nested-type.ts';
import { type Field, SchemaDraw } from '../columns/testing/drawn-schema.ts';
import { drawnValue } from '../columns/testing/drawn-value.ts';
import { createColumnarEncoder } from '../parquet/columnar-encoder.ts';
import { exactRows } from '../parquet/exact-rows.ts';
import { recordReader } from './record-of-row.ts';

const parsers = { timestampFromMicroseconds: (us: bigint) => us, dateFromDays: (days: number) => days };

/** Records of which all fields are nested columns, written to a file and read as records again. */
async function throughFile(
  type: types.RecordType,
  bytes: readonly Buffer[],
): Promise<Record<string, unknown>[]> {
  const columns = type.fields.map((field) => ({
    ...{ name: field.name, type: must(nestedColumnType(field.type)), nullable: true },
  }));
  const buffers = new ColumnBuffers({ columns });
  const decoder = createRecordDecoder(type, type, { columns });
  for (const each of bytes)
    expect(decoder.decode(each, Int32Array.of(0), Int32Array.of(each.length), 0, 1, buffers)).toBe(1);
  const file = new Uint8Array((await createColumnarEncoder().encode({ buffers })).bytes).buffer;
  const { metadata, complete } = exactRows(parquetMetadata(file));
  const rows = await parquetReadObjects({ file, metadata, compressors, parsers, utf8: false });
  complete(rows);
  return rows.map(recordReader(type.schema({ exportAttrs: true }) as unknown as AvroRecordSchema));
}

/** Whether JSON has the same text for values of two branches of a union in the type. */
function isAmbiguous(type: Type, seen = new Set<Type>()): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  const {
    itemsType,
    valuesType,
    fields = [],
    types = [],
  } = type as Partial<types.ArrayType & types.MapType & types.RecordType & types.UnwrappedUnionType>;
  const texts = types.filter(({ typeName }) => /^(?:string|enum|bytes|fixed|float|double)$/.test(typeName));
  const within = [itemsType, valuesType, ...fields.map((field) => field.type), ...types];
  return texts.length > 1 || within.some((each) => each !== undefined && isAmbiguous(each as Type, seen));
}

let compared = 0;

test('rows of nested columns are the records that they were made from', async () => {
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (g) => {
      const draw = new SchemaDraw(g);
      const { fields } = draw.record();
      const recordOf = (of: readonly Field[]) =>
        avroType({ type: 'record', name: 'R', fields: of }) as types.RecordType;
      const nested = fields.filter(({ type }) => {
        const [field] = recordOf([{ name: 'f', type }]).fields;
        return nestedColumnType(must(field).type) !== undefined && !isAmbiguous(must(field).type);
      });
      if (nested.length === 0) return;
      const type = recordOf(nested);
      const bytes = Array.from({ length: 3 }, () => type.toBuffer(drawnValue(draw, type)));
      // avsc loses map entries with this key.
      if (bytes.some((each) => each.includes('__proto__'))) return;
      compared++;
      const toJson = jsonWriter(type);
      const read = await throughFile(type, bytes);
      expect(read.map(toJson)).toEqual(bytes.map((each) => toJson(type.fromBuffer(each))));
      expect(read.every((each) => type.isValid(each))).toBe(true);
    }),
    { numRuns: 300 },
  );
  expect(compared).toBeGreaterThan(40);
});
