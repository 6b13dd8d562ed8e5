import {
  type AvroRecordSchema,
  deadLetterSchema,
  deadLetterTable,
  enrichedSchema,
  loadStreams,
} from '@windrow/contracts';
import { datePartition, ledgerColumns, tableSchemaFromAvro, typeName } from '@windrow/lake';
import type { TestDatabase } from '@windrow/postgres/testing';
import { code, page, table } from './page.ts';

const meanings: Record<string, string> = {
  [datePartition.name]: 'The partition column: the UTC date of the event time',
  _topic: 'The Kafka topic of the record',
  _partition: 'Its partition',
  _offset: 'Its offset',
  _ingested_at: 'When the sink received it',
};

async function lakeSections(): Promise<string[]> {
  const contracts = await loadStreams();
  const tables = [
    ...contracts.map(({ lake, schema, topics }) => ({ path: lake.raw, schema, topic: topics.raw.name })),
    ...contracts.flatMap((contract) =>
      contract.lake.curated && contract.topics.enriched
        ? [
            {
              path: contract.lake.curated,
              schema: enrichedSchema(contract, contracts),
              topic: contract.topics.enriched.name,
            },
          ]
        : [],
    ),
    { path: deadLetterTable, schema: deadLetterSchema, topic: 'dead-letter' },
  ];
  return tables.map(
    ({ path, schema, topic }) => `### ${path}\n\nFrom the topic \`${topic}\`.\n\n${lakeTable(schema)}`,
  );
}

function lakeTable(avro: AvroRecordSchema): string {
  const documented = new Map(avro.fields.map(({ name, doc }) => [name, doc]));
  return table(
    ['column', 'type', 'meaning'],
    [...tableSchemaFromAvro(avro).columns, datePartition].map(({ name, type }) => [
      code(name),
      typeName(type),
      documented.get(name) ?? meanings[name] ?? '',
    ]),
  );
}

interface Relation {
  relation: string;
  kind: string;
  comment: string | null;
  oid: number;
}

async function postgresSections(database: TestDatabase): Promise<string[]> {
  const relations = await database.sql<Relation>(
    `SELECT n.nspname || '.' || c.relname AS relation, c.oid::int AS oid, obj_description(c.oid) AS comment,
            CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('curated', 'windrow') AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
       AND c.relname NOT LIKE 'migration\\_%'
     ORDER BY 1`,
  );
  return Promise.all(
    relations.map(async ({ relation, kind, comment, oid }) => {
      const columns = await database.sql<{ name: string; type: string; meaning: string | null }>(
        `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, col_description(attrelid, attnum) AS meaning
         FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
        [oid],
      );
      const rows = columns.map(({ name, type, meaning }) => [code(name), type, meaning ?? '']);
      const about = comment === null ? '' : `${comment}.\n\n`;
      return `### ${relation} (${kind})\n\n${about}${table(['column', 'type', 'meaning'], rows)}`;
    }),
  );
}

async function functionsSection(database: TestDatabase): Promise<string> {
  const functions = await database.sql<{ call: string; comment: string | null }>(
    `SELECT p.oid::regprocedure::text AS call, obj_description(p.oid) AS comment
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'curated' ORDER BY 1`,
  );
  return `### Functions\n\n${table(
    ['function', 'meaning'],
    functions.map(({ call, comment }) => [code(call), comment ?? '']),
  )}`;
}

/** @param database with all migrations */
export async function tablesPage(database: TestDatabase): Promise<string> {
  const names = ledgerColumns.map(({ name }) => code(name)).join(', ');
  return page(
    'Tables',
    'The tables of the lake, from the contracts of the streams, and those of Postgres, from its migrations.',
    [
      `## Lake\n\nDelta tables below \`s3://$LAKE_BUCKET/\`, partitioned by \`date\`. Every column that comes from the schema of a ` +
        `stream may be null. ${names} are never null.`,
      ...(await lakeSections()),
      '## Postgres',
      ...(await postgresSections(database)),
      await functionsSection(database),
    ],
  );
}
