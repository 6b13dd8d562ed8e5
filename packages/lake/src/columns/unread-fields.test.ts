import { avroType } from '@windrow/contracts';
import { expect, test } from 'vitest';
import { tableSchemaFromAvro } from '../avro-columns.ts';
import { ColumnBuffers } from './column-buffers.ts';
import { createRecordDecoder } from './create-record-decoder.ts';

const text = ['null', 'string'];
const schemaOf = (...fields: [name: string, type: unknown][]) => ({
  type: 'record' as const,
  name: 'R',
  fields: fields.map(([name, type]) => ({ name, type, ...(type === text && { default: null }) })),
});

test('fields of the writer that the table lacks are in _extra, as for the enricher', () => {
  const writer = avroType(schemaOf(['more', 'long'], ['f', 'int']));
  const rowOf = (reader: ReturnType<typeof schemaOf>) => {
    const schema = tableSchemaFromAvro(reader);
    const decoder = createRecordDecoder(writer, avroType(reader), schema);
    const columns = new ColumnBuffers(schema);
    const bytes = writer.toBuffer({ more: 2n ** 62n, f: 3 });
    // Between other bytes, as in a fetched batch.
    const source = Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(5)]);
    const end = 7 + bytes.length;
    expect(decoder.decode(source, Int32Array.of(7), Int32Array.of(end), 0, 1, columns)).toBe(1);
    return [decoder.isGenerated, ...schema.columns.map((_, column) => columns.valueAt(column, 0))].slice(
      0,
      1 + reader.fields.length,
    );
  };
  expect(rowOf(schemaOf(['f', 'int'], ['_extra', text]))).toEqual([false, 3, `{"more":${2n ** 62n}}`]);
  expect(rowOf(schemaOf(['f', 'int']))).toEqual([true, 3]);
});
