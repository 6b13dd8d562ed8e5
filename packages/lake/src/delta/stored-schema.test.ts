import { expect, test } from 'vitest';
import { tableSchemaFromAvro } from '../avro-columns.ts';
import { appendRecord } from '../columns/append-record.ts';
import { ColumnBuffers } from '../columns/column-buffers.ts';
import { LakeTable } from '../ledger/lake-table.ts';
import { TableReplacement } from '../maintenance/replacement.ts';
import { createColumnarEncoder } from '../parquet/columnar-encoder.ts';
import type { TableSchema } from '../table-schema.ts';
import { MemoryObjectStore } from '../testing/memory-object-store.ts';
import { withTextColumns } from './stored-schema.ts';

const place = (...fields: unknown[]) => ({ type: 'record', name: 'Place', fields });
const tags = { type: 'array', items: 'string' };
const recordOf = (...fields: [name: string, type: unknown][]) => ({
  ...{ type: 'record', name: 'R', fields: fields.map(([name, type]) => ({ name, type })) },
});
const older = recordOf(['n', 'long'], ['place', place({ name: 'x', type: 'int' })]);
const newer = recordOf(
  ['n', 'long'],
  ['place', ['null', place({ name: 'x', type: 'int' }, { name: 'tags', type: tags })]],
  ['tags', ['null', tags]],
);

/** A table in memory. */
class World {
  readonly #world = new MemoryObjectStore(7);

  /** Opens the table with this schema, and returns the one that its rows have. */
  async opened(schema: TableSchema): Promise<TableSchema> {
    const host = this.#world.host('a');
    const options = { path: 't', schema, sink: 'lake', host };
    return (await this.#world.runUntil(LakeTable.open(this.#world.client('a'), options))).schema;
  }

  async replaced(schema: TableSchema): Promise<TableSchema | undefined> {
    const host = this.#world.host('b');
    const options = { path: 't', sink: 'lake', idColumns: [], encoder: createColumnarEncoder(), host };
    const opening = TableReplacement.open(this.#world.client('b'), options);
    return (await this.#world.runUntil(opening))?.storedSchema(schema);
  }
}

const typesOf = (schema: TableSchema | undefined) =>
  schema?.columns.slice(0, 3).map(({ type }) => (typeof type === 'string' ? type : type.type));

test('a new table has nested columns, which get new fields', async () => {
  const world = new World();
  expect(typesOf(await world.opened(tableSchemaFromAvro(older)))).toEqual(['long', 'struct', 'string']);
  const schema = await world.opened(tableSchemaFromAvro(newer));
  expect(typesOf(schema)).toEqual(['long', 'struct', 'array']);
  expect(typesOf(await world.replaced(tableSchemaFromAvro(newer)))).toEqual(['long', 'struct', 'array']);
  // An older process, which doesn't know the new fields, keeps on writing.
  const { columns } = tableSchemaFromAvro(older);
  expect((await world.opened(tableSchemaFromAvro(older))).columns).toEqual(columns);
});

test('a table of an older version keeps text where it has text, and a new column is nested', async () => {
  const world = new World();
  await world.opened(withTextColumns(tableSchemaFromAvro(older)));
  const schema = await world.opened(tableSchemaFromAvro(newer));
  expect(typesOf(schema)).toEqual(['long', 'string', 'array']);
  expect(typesOf(await world.replaced(tableSchemaFromAvro(newer)))).toEqual(['long', 'string', 'array']);
  const buffers = new ColumnBuffers(schema);
  appendRecord(buffers, { n: 1, place: { x: 2, tags: ['a'] }, tags: [] });
  expect(buffers.valueAt(1, 0)).toBe('{"x":2,"tags":["a"]}');
  // An older process writes text on.
  await world.opened(withTextColumns(tableSchemaFromAvro(older)));
});

test('a nested column that has to become text says why', async () => {
  const world = new World();
  await world.opened(tableSchemaFromAvro(older));
  const several = recordOf(['place', ['null', place({ name: 'x', type: 'int' }), 'string']]);
  await expect(world.opened(tableSchemaFromAvro(several))).rejects.toMatchObject({
    code: 'SCHEMA_INCOMPATIBLE',
    message: expect.stringMatching(
      /^column place of table .* is \{"type":"struct".* and can't become string.*LAKE_PARQUET_ENCODER=columnar/,
    ),
  });
});
