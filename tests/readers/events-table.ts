import {
  type ColumnValue,
  createEncoder,
  datePartition,
  type EncoderName,
  ledgerColumns,
  type ObjectStore,
  type TableSchema,
  toDeltaSchemaString,
} from '@windrow/lake';
import { type ColumnBatch, columnBuffersFrom } from '@windrow/lake/testing';

const schema: TableSchema = {
  columns: [
    { name: 'event_id', type: 'string', nullable: true },
    { name: 'occurred_at', type: 'timestamp', nullable: true },
    { name: 'temperature_c', type: 'double', nullable: true },
    { name: 'payload', type: 'binary', nullable: true },
    ...ledgerColumns,
  ],
};

const dayMs = 86_400_000;
const firstDayMs = Date.UTC(2013, 0, 1);

/** Thirty events of one day, one every ten minutes, with half of the temperatures missing. */
export function dayOfEvents(day: number): ColumnBatch {
  const rows = (value: (row: number) => ColumnValue) => Array.from({ length: 30 }, (_, row) => value(row));
  const startMs = firstDayMs + day * dayMs;
  return {
    schema,
    rowCount: 30,
    columns: [
      rows((row) => `${day}-${String(row).padStart(2, '0')}-é`),
      rows((row) => (startMs + row * 600_000) * 1_000),
      rows((row) => (row % 2 === 0 ? null : row / 4 - day)),
      rows((row) => (row === 0 ? null : Uint8Array.of(row, 0xff))),
      rows(() => 'track.raw'),
      rows((row) => row % 3),
      rows((row) => day * 30 + row),
      rows(() => (startMs + dayMs + 123) * 1_000),
    ],
  };
}

/** In DuckDB's SQL, with their answers. */
export const eventsQuestions: ReadonlyArray<[string, string, unknown]> = [
  [
    'counts and sums',
    'SELECT count(*) AS events, count(DISTINCT event_id) AS ids, sum(temperature_c) AS warmth, sum(_offset) AS offsets FROM t',
    [{ events: 90, ids: 90, warmth: 123.75, offsets: 4_005 }],
  ],
  [
    'rows per date',
    'SELECT date, count(*) AS events FROM t GROUP BY date ORDER BY date',
    ['2013-01-01', '2013-01-02', '2013-01-03'].map((date) => ({ date, events: 30 })),
  ],
  [
    'one row by its time, its date left to the reader',
    "SELECT event_id, occurred_at, temperature_c, payload, date FROM t WHERE occurred_at = TIMESTAMPTZ '2013-01-02 01:50:00Z'",
    [
      {
        event_id: '1-11-é',
        occurred_at: '2013-01-02T01:50:00.000Z',
        temperature_c: 1.75,
        payload: '0bff',
        date: '2013-01-02',
      },
    ],
  ],
  [
    'a partition, and what lies at the bounds of its file',
    "SELECT event_id FROM t WHERE date = DATE '2013-01-03' AND event_id IN ('2-00-é', '2-29-é', '1-00-é') ORDER BY event_id",
    [{ event_id: '2-00-é' }, { event_id: '2-29-é' }],
  ],
  [
    'nulls',
    "SELECT event_id, temperature_c, payload FROM t WHERE payload IS NULL AND date = DATE '2013-01-01'",
    [{ event_id: '0-00-é', temperature_c: null, payload: null }],
  ],
];

/** Three days in three files, and the one commit that names them, written out as the Delta protocol has it. */
export async function writeEvents(store: ObjectStore, table: string, name: EncoderName): Promise<void> {
  const encoder = createEncoder(name);
  const adds: unknown[] = [];
  for (const day of [0, 1, 2]) {
    const { bytes, stats } = await encoder.encode({ buffers: columnBuffersFrom(dayOfEvents(day)) });
    const date = new Date(firstDayMs + day * dayMs).toISOString().slice(0, 10);
    const path = `date=${date}/part-${day}.parquet`;
    await store.put(`${table}/${path}`, bytes);
    adds.push({
      add: {
        path,
        partitionValues: { date },
        size: bytes.length,
        modificationTime: firstDayMs,
        dataChange: true,
        stats: JSON.stringify(stats),
      },
    });
  }
  const metaData = {
    id: '5fba94ed-9794-4965-ba6e-6ee3c0d22af9',
    format: { provider: 'parquet', options: {} },
    schemaString: toDeltaSchemaString(schema, [datePartition]),
    partitionColumns: [datePartition.name],
    configuration: {},
    createdTime: firstDayMs,
  };
  const actions = [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData }, ...adds];
  await store.put(
    `${table}/_delta_log/00000000000000000000.json`,
    Buffer.from(actions.map((action) => `${JSON.stringify(action)}\n`).join('')),
  );
}
