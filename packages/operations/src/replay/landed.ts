import { setTimeout as sleep } from 'node:timers/promises';
import { enricherGroup, type StreamContract } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Installation } from '../installation.ts';
import { distances, positionsOf, summary } from '../landing/distance.ts';
import { lakeLedger, openLog, postgresLedger } from '../ledgers.ts';

/** The position of a stream up to which all events are committed to the tables; partition → offset. */
export interface Landed {
  /** Offsets of the raw topic. */
  raw: Map<number, number>;
  /** The matching offsets of the enriched topic. */
  enriched: Map<number, number>;
}

const lookEveryMs = 200;
const patienceMs = 60_000;

/**
 * Takes the enricher's current position and waits until the sinks have committed its output up to there. Later events are not
 * part of a replay, so live events and a replay never write the same row.
 * @throws WindrowError TIMED_OUT naming the sinks that are behind
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
  // Read after the group's offsets: transactions commit both together, so these ends include the output of those offsets.
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
      const message = `the sinks have not committed the enricher's output yet. Offsets behind: ${summary(behind)}. Run windrow wait, then replay`;
      throw new WindrowError('TIMED_OUT', message, { retriable: true });
    }
    if (!isTold) note(`waiting for the sinks; offsets behind: ${summary(behind)}`);
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
