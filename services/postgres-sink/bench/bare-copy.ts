import { finished } from 'node:stream/promises';
import type { CuratedMapping, EventRecord } from '@windrow/contracts';
import { CopyRows } from '@windrow/postgres';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const columns = ({ columns }: CuratedMapping) => columns.map(({ name }) => pg.escapeIdentifier(name));

/** `all`: the indexes of the curated table, with that of the key. */
export type Indexes = 'none' | 'key' | 'all';

/**
 * Measures Postgres alone: one binary COPY, encoded before the clock starts, into a new table with the columns of the curated
 * table and the given indexes, without partitions, aggregates and ledger.
 */
export async function bareCopy(options: {
  url: string;
  mapping: CuratedMapping;
  rows: Iterable<EventRecord>;
  indexes: Indexes;
}): Promise<{ seconds: number; cpuSeconds: number }> {
  const { url, mapping, indexes } = options;
  const rows = new CopyRows(mapping);
  for (const row of options.rows) {
    const fault = rows.add(row);
    if (fault !== null) throw new Error(`a row that Postgres has no form for: ${fault}`);
  }
  const client = new pg.Client(url);
  await client.connect();
  try {
    const like = indexes === 'all' ? `${mapping.table} INCLUDING INDEXES` : mapping.table;
    const key = indexes === 'key' ? `, PRIMARY KEY (${mapping.key.map(pg.escapeIdentifier).join(', ')})` : '';
    await client.query(`CREATE TABLE bare_copy (row_number integer, LIKE ${like}${key})`);
    // A checkpoint before the measurement, so that it does not write pages of earlier work.
    await client.query('CHECKPOINT');
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    const list = ['row_number', ...columns(mapping)].join(', ');
    const copy = client.query(copyFrom(`COPY bare_copy (${list}) FROM STDIN (FORMAT binary)`));
    const [head, body, trailer] = rows.stream() as [Buffer, Buffer, Buffer];
    copy.write(head);
    for (let at = 0; at < body.length; at += pieceBytes) {
      const isTaken = copy.write(body.subarray(at, at + pieceBytes));
      if (!isTaken) await new Promise((resolve) => copy.once('drain', resolve));
    }
    copy.end(trailer);
    await finished(copy);
    const seconds = (performance.now() - startedMs) / 1000;
    const used = process.cpuUsage(cpu);
    return { seconds, cpuSeconds: (used.user + used.system) / 1e6 };
  } finally {
    await client.query('DROP TABLE IF EXISTS bare_copy').catch(() => undefined);
    await client.end();
  }
}

const pieceBytes = 1 << 20;
