import { WindrowError } from '@windrow/runtime';
import { parquetMetadata, parquetReadObjects, type SchemaElement } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import type { Action } from './actions.ts';

/**
 * Checkpoints of the log (Delta protocol, "Checkpoints", V1): a Parquet file with one row per action and one nested
 * column per kind of action. In each row one of them is not null.
 */

/** The kinds of actions in a checkpoint. commitInfo is not state. */
export type StateKind = 'txn' | 'add' | 'remove' | 'metaData' | 'protocol';

export type StateAction = Pick<Action, StateKind>;

/**
 * Reads the actions of the given kinds from one checkpoint file. It doesn't decode the other columns.
 * @throws WindrowError LAKE_LOG_INVALID
 */
export async function readCheckpoint(
  bytes: Uint8Array,
  kinds: readonly StateKind[],
  source: string,
): Promise<StateAction[]> {
  try {
    // A copy of its own: the bytes may be a view into a larger buffer.
    const file = new Uint8Array(bytes).buffer;
    const metadata = parquetMetadata(file);
    const present = new Set(topLevelColumns(metadata.schema));
    const columns = kinds.filter((kind) => present.has(kind));
    if (columns.length === 0) return [];
    const rows = await parquetReadObjects({ file, metadata, columns, compressors });
    const actions: StateAction[] = [];
    for (const row of rows) {
      for (const kind of columns) {
        if (row[kind] != null) actions.push({ [kind]: plain(row[kind]) } as StateAction);
      }
    }
    return actions;
  } catch (cause) {
    throw new WindrowError('LAKE_LOG_INVALID', `checkpoint ${source} can't be read`, { cause });
  }
}

function topLevelColumns(schema: SchemaElement[]): string[] {
  const names: string[] = [];
  let index = 1;
  const skip = (): void => {
    const children = schema[index++]?.num_children ?? 0;
    for (let child = 0; child < children; child++) skip();
  };
  for (let column = schema[index]; column; column = schema[index]) {
    names.push(column.name);
    skip();
  }
  return names;
}

/** An action as in a JSON commit: INT64 as numbers, and without null fields. Null values of maps stay. */
function plain(value: unknown, inMap = false): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries: [string, unknown][] = [];
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined || (field === null && !inMap)) continue;
    entries.push([key, plain(field, key === 'partitionValues' || key === 'tags')]);
  }
  return Object.fromEntries(entries);
}

/** The bytes of a single-file checkpoint. */
export function writeCheckpoint(actions: readonly StateAction[]): Uint8Array {
  const kinds = Object.keys(columnsOf) as StateKind[];
  const schema: SchemaElement[] = [{ name: 'checkpoint', num_children: kinds.length }];
  for (const kind of kinds) {
    const fields = columnsOf[kind];
    schema.push({ name: kind, repetition_type: 'OPTIONAL', num_children: fields.length }, ...fields.flat());
  }
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    schema,
    columnData: kinds.map((kind) => ({ name: kind, data: actions.map((action) => toRow(action[kind])) })),
    statistics: false,
    createdBy: 'windrow',
  });
  return writer.getBytes();
}

const integerFields = new Set([
  'version',
  'lastUpdated',
  'size',
  'modificationTime',
  'deletionTimestamp',
  'createdTime',
]);
const mapFields = new Set(['partitionValues', 'tags', 'options', 'configuration']);

/** INT64 takes bigint; a map is written as an array of `{key, value}`. */
function toRow(action: object | undefined): Record<string, unknown> | null {
  if (action === undefined) return null;
  const row: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(action)) {
    if (value === undefined || value === null) continue;
    if (integerFields.has(key)) row[key] = BigInt(value);
    else if (mapFields.has(key))
      row[key] = Object.entries(value).map(([name, item]) => ({ key: name, value: item }));
    else if (key === 'format') row[key] = toRow(value);
    else row[key] = value;
  }
  return row;
}

const text = (name: string): SchemaElement[] => [
  { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];
const long = (name: string): SchemaElement[] => [{ name, type: 'INT64', repetition_type: 'OPTIONAL' }];
const int = (name: string): SchemaElement[] => [{ name, type: 'INT32', repetition_type: 'OPTIONAL' }];
const flag = (name: string): SchemaElement[] => [{ name, type: 'BOOLEAN', repetition_type: 'OPTIONAL' }];
const map = (name: string): SchemaElement[] => [
  { name, converted_type: 'MAP', repetition_type: 'OPTIONAL', num_children: 1 },
  { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
  { name: 'key', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  ...text('value'),
];
const list = (name: string): SchemaElement[] => [
  { name, converted_type: 'LIST', repetition_type: 'OPTIONAL', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...text('element'),
];

const columnsOf: Readonly<Record<StateKind, SchemaElement[][]>> = {
  txn: [text('appId'), long('version'), long('lastUpdated')],
  add: [
    text('path'),
    map('partitionValues'),
    long('size'),
    long('modificationTime'),
    flag('dataChange'),
    text('stats'),
    map('tags'),
  ],
  remove: [
    text('path'),
    long('deletionTimestamp'),
    flag('dataChange'),
    flag('extendedFileMetadata'),
    map('partitionValues'),
    long('size'),
  ],
  metaData: [
    text('id'),
    text('name'),
    text('description'),
    [
      { name: 'format', repetition_type: 'OPTIONAL', num_children: 2 },
      ...text('provider'),
      ...map('options'),
    ],
    text('schemaString'),
    list('partitionColumns'),
    map('configuration'),
    long('createdTime'),
  ],
  protocol: [
    int('minReaderVersion'),
    int('minWriterVersion'),
    list('readerFeatures'),
    list('writerFeatures'),
  ],
};
