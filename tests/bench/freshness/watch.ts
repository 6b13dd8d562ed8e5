import { setTimeout as sleep } from 'node:timers/promises';
import { DeltaLog, S3ObjectStore, systemHost } from '@windrow/lake';
import { must } from '@windrow/runtime/testing';
import pg from 'pg';
import { partitions } from '../lake/topic.ts';
import type { Step } from './latencies.ts';

/** Follows a sink's ledger, which moves in the same commit as its rows: asking it costs next to nothing, whatever the table has. */
export interface Watch {
  /** Partition → the rows that can be read, and when that was seen. */
  readable: Step[][];
  close(): Promise<void>;
}

type ReadLedger = () => Promise<Map<number, number>>;

function follow(everyMs: number, read: ReadLedger, end: () => Promise<void>): Watch {
  const readable = Array.from({ length: partitions }, (): Step[] => []);
  const life = new AbortController();
  const watching = (async () => {
    while (!life.signal.aborted) {
      const ledger = await read();
      const atMs = Date.now();
      for (const [partition, rows] of ledger) {
        const steps = readable[partition];
        if (steps && rows > (steps.at(-1)?.rows ?? 0)) steps.push({ rows, atMs });
      }
      await sleep(everyMs, undefined, { signal: life.signal }).catch(() => undefined);
    }
  })();
  return {
    readable,
    async close() {
      life.abort();
      await watching;
      await end();
    },
  };
}

/** To 15 ms. */
export async function watchPostgres(url: string, topic: string): Promise<Watch> {
  const client = new pg.Client(url);
  await client.connect();
  const text = 'SELECT partition, rows FROM windrow.sink_offset WHERE topic = $1';
  const read = async () => {
    const { rows } = await client.query<{ partition: number; rows: string }>({
      name: 'ledger',
      text,
      values: [topic],
    });
    return new Map(rows.map((row) => [row.partition, Number(row.rows)]));
  };
  return follow(15, read, () => client.end());
}

/** To a quarter of a second. */
export async function watchLake(env: NodeJS.ProcessEnv, table: string, topic: string): Promise<Watch> {
  const store = new S3ObjectStore({
    bucket: must(env.LAKE_BUCKET),
    region: must(env.AWS_REGION),
    endpoint: must(env.S3_ENDPOINT),
    credentials: {
      accessKeyId: must(env.AWS_ACCESS_KEY_ID),
      secretAccessKey: must(env.AWS_SECRET_ACCESS_KEY),
    },
  });
  const log = await DeltaLog.open(store, table, systemHost);
  if (!log) throw new Error(`there is no table ${table}`);
  const read = async () => {
    await log.refresh();
    const of = (partition: number) => log.txns.get(`lake:${topic}:${partition}#rows`) ?? 0;
    return new Map(Array.from({ length: partitions }, (_, partition) => [partition, of(partition)]));
  };
  return follow(250, read, async () => store.close());
}
