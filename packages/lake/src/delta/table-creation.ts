import { WindrowError } from '@windrow/runtime';
import type { Host } from '../host.ts';
import type { ObjectStore } from '../object-store.ts';
import { type TableColumn, type TableSchema, toDeltaSchemaString } from '../table-schema.ts';
import { DeltaLog } from './delta-log.ts';
import { ourProtocol } from './protocol.ts';
import { withNewColumns } from './schema-evolution.ts';
import { storedSchema } from './stored-schema.ts';

interface TableDefinition {
  store: ObjectStore;
  root: string;
  schema: TableSchema;
  partitionColumns: readonly TableColumn[];
  host: Host;
}

/** The log of a table, and the schema with which rows are written to it. */
export interface OpenedTable {
  readonly log: DeltaLog;
  readonly schema: TableSchema;
}

/**
 * Opens the log of the table at `root`. It creates the table if there is none, and adds missing columns. Any number of
 * processes may call it at the same time.
 * @throws WindrowError SCHEMA_INCOMPATIBLE, LAKE_LOG_INVALID, S3_FAILED
 */
export async function openOrCreate(definition: TableDefinition): Promise<OpenedTable> {
  const { store, root, schema, partitionColumns, host } = definition;
  let log = await DeltaLog.open(store, root, host);
  if (!log) {
    await DeltaLog.create(store, root, host, creation(definition));
    log = await DeltaLog.open(store, root, host);
  }
  if (!log)
    throw new WindrowError('LAKE_LOG_INVALID', `${store.url(root)} was created, but no longer exists`);
  const names = partitionColumns.map(({ name }) => name);
  if (log.metaData.partitionColumns.join() !== names.join()) {
    throw new WindrowError(
      'SCHEMA_INCOMPATIBLE',
      `table ${store.url(root)} is partitioned by [${log.metaData.partitionColumns}], not by [${names}]: give the stream another table`,
    );
  }
  await addNewColumns(log, schema, store.url(root));
  return { log, schema: storedSchema(schema, log.metaData) };
}

async function addNewColumns(log: DeltaLog, schema: TableSchema, table: string): Promise<void> {
  class NothingToAdd extends Error {}
  try {
    await log.append(() => {
      const metaData = withNewColumns(log.metaData, storedSchema(schema, log.metaData), table);
      if (!metaData) throw new NothingToAdd();
      return { step: 'schema', operation: 'ADD COLUMNS', actions: [{ metaData }] };
    });
  } catch (error) {
    if (!(error instanceof NothingToAdd)) throw error;
  }
}

function creation({ schema, partitionColumns, host }: TableDefinition) {
  return {
    operation: 'CREATE TABLE',
    actions: [
      { protocol: ourProtocol },
      {
        metaData: {
          id: host.newId(),
          format: { provider: 'parquet', options: {} },
          schemaString: toDeltaSchemaString(schema, partitionColumns),
          partitionColumns: partitionColumns.map(({ name }) => name),
          configuration: {},
          createdTime: host.nowMs(),
        },
      },
    ],
  };
}
