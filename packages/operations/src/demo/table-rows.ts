import type { Installation } from '../installation.ts';

/** Counts the rows of the curated tables and of their aggregates in Postgres. */
export async function countTableRows({
  contracts,
  postgres,
}: Installation): Promise<{ table: string; rows: number }[]> {
  const tables = contracts.flatMap(({ curated }) =>
    curated ? [curated.table, ...(curated.aggregates ?? []).map((aggregate) => aggregate.table)] : [],
  );
  return Promise.all(
    tables.map(async (table) => {
      const [row] = await postgres.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${table}`);
      return { table, rows: Number(row?.rows ?? 0) };
    }),
  );
}
