import { setTimeout as sleep } from 'node:timers/promises';
import { enricherGroup, type StreamContract } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Installation } from '../installation.ts';
import { distances, positionsOf, summary } from '../landing/distance.ts';
import { lakeLedger, openLog, postgresLedger } from '../ledgers.ts';

/** A point of a stream up to which all has landed; partition → offset. */
export interface Landed {
  /** Of the raw topic. */
  raw: Map<number, number>;
  /** Of the enriched topic: what came of it. */
  enriched: Map<number, number>;
}

const lookEveryMs = 200;
const patienceMs = 60_000;

/**
 * Where the enricher stands now, once the sinks have landed all that it has made until here. What comes later is no part of a
 * replay, so live events and a replay never write the same row.
 * @throws WindrowError TIMED_OUT naming what is behind
 */
export async function landedSoFar(
  installation: Installation,
  contract: StreamContract,
  signal: AbortSignal,
  note: (line: string) => void,
): Promise<Landed> {
  const { broker } = installation;
  const { raw, enriched } = contract.topics;
  const rawAt = await broker.committedOffsets(enricherGroup, raw.name);
  // Asked after the group: its offsets and these records are of the same transactions.
  const enrichedAt = await broker.highWatermarks(enriched?.name ?? raw.name);
  const deadlineMs = performance.now() + patienceMs;
  let isTold = false;
  for (;;) {
    signal.throwIfAborted();
    const behind = (
      await Promise.all([
        lakeBehind(installation, contract.lake.raw, raw.name, rawAt),
        lakeBehind(installation, contract.lake.curated ?? '', enriched?.name ?? '', enrichedAt),
        postgresBehind(installation, contract, enrichedAt),
      ])
    ).flat();
    if (behind.length === 0) return { raw: rawAt, enriched: enrichedAt };
    if (performance.now() >= deadlineMs) {
      const message = `the sinks have not landed yet what the enricher had made: ${summary(behind)} offsets behind. Replay when they have (windrow wait)`;
      throw new WindrowError('TIMED_OUT', message, { retriable: true });
    }
    if (!isTold) note(`waiting for the sinks, which are behind: ${summary(behind)}`);
    isTold = true;
    await sleep(lookEveryMs, undefined, { signal });
  }
}

async function lakeBehind(
  installation: Installation,
  path: string,
  topic: string,
  ends: Map<number, number>,
) {
  const ledger = lakeLedger(await openLog(installation, { path, topic }), topic);
  return distances(`lake ${path}`, topic, ends, positionsOf(ledger));
}

async function postgresBehind(
  installation: Installation,
  { curated, topics }: StreamContract,
  ends: Map<number, number>,
) {
  const topic = topics.enriched?.name;
  if (!curated || topic === undefined) return [];
  const ledger = await postgresLedger(installation, topic);
  return distances(`postgres ${curated.table}`, topic, ends, positionsOf(ledger));
}
