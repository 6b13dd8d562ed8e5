import { setTimeout as sleep } from 'node:timers/promises';
import { deadLetterTopic, enricherGroup } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Installation } from '../installation.ts';
import { lakeLedger, lakeTables, openLog, postgresLedger, postgresTables } from '../ledgers.ts';
import { type Behind, distances, type Ends, positionsOf } from './distance.ts';

export interface WaitOptions {
  /** Default: five minutes. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Called after every check with the readers that are behind. */
  onBehind?: (behind: Behind[]) => void;
}

const lookEveryMs = 200;

/**
 * Waits until all events that the raw topics have at the call are committed. First the enricher must reach the ends of the raw
 * topics, then the sinks the ends of its output, then the lake sink the dead letters of the sinks.
 * @throws WindrowError TIMED_OUT naming each reader, its partition and its offsets behind; the signal's reason
 */
export async function waitForLanding(installation: Installation, options: WaitOptions = {}): Promise<void> {
  const deadlineMs = performance.now() + (options.timeoutMs ?? 300_000);
  const { contracts, broker } = installation;
  const endsOf = async (topics: string[]): Promise<Map<string, Ends>> => {
    // High watermarks, because committed records may lie after a transaction that is still open.
    const ends = await Promise.all(
      topics.map(async (topic) => [topic, await broker.highWatermarks(topic)] as const),
    );
    return new Map(ends);
  };
  const until = (look: () => Promise<Behind[]>) => lookUntilThere(look, deadlineMs, options);

  const raw = await endsOf(contracts.map(({ topics }) => topics.raw.name));
  await until(() => enricherBehind(installation, raw));
  const enriched = await endsOf(contracts.flatMap(({ topics }) => topics.enriched?.name ?? []));
  const deadLetters = await endsOf([deadLetterTopic.name]);
  const ends = new Map([...raw, ...enriched, ...deadLetters]);
  await until(async () =>
    (await Promise.all([lakeBehind(installation, ends), postgresBehind(installation, ends)])).flat(),
  );
  const later = await endsOf([deadLetterTopic.name]);
  await until(() => lakeBehind(installation, later));
}

async function lookUntilThere(
  look: () => Promise<Behind[]>,
  deadlineMs: number,
  { timeoutMs, signal, onBehind }: WaitOptions,
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const behind = await look();
    onBehind?.(behind);
    if (behind.length === 0) return;
    if (performance.now() >= deadlineMs) throw timedOut(behind, timeoutMs ?? 300_000);
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

function timedOut(behind: Behind[], timeoutMs: number): WindrowError {
  const lines = behind.map(
    ({ reader, topic, partition, by }) => `  ${reader}: ${topic}/${partition} by ${by} offsets`,
  );
  const message = `not all events are committed after ${timeoutMs / 1000} s. These readers are behind:\n${lines.join('\n')}\nSee: windrow status`;
  return new WindrowError('TIMED_OUT', message, { retriable: true });
}

async function enricherBehind({ broker }: Installation, ends: Map<string, Ends>): Promise<Behind[]> {
  const behind = [...ends].map(async ([topic, of]) =>
    distances('enricher', topic, of, await broker.committedOffsets(enricherGroup, topic)),
  );
  return (await Promise.all(behind)).flat();
}

async function lakeBehind(installation: Installation, ends: Map<string, Ends>): Promise<Behind[]> {
  const behind = lakeTables(installation.contracts).map(async (table) => {
    const of = ends.get(table.topic);
    if (!of || hasNothing(of)) return [];
    const ledger = lakeLedger(await openLog(installation, table), table.topic);
    return distances(`lake ${table.path}`, table.topic, of, positionsOf(ledger));
  });
  return (await Promise.all(behind)).flat();
}

async function postgresBehind(installation: Installation, ends: Map<string, Ends>): Promise<Behind[]> {
  const behind = postgresTables(installation.contracts).map(async ({ table, topic }) => {
    const of = ends.get(topic);
    if (!of) return [];
    return distances(`postgres ${table}`, topic, of, positionsOf(await postgresLedger(installation, topic)));
  });
  return (await Promise.all(behind)).flat();
}

function hasNothing(ends: Ends): boolean {
  return [...ends.values()].every((end) => end === 0);
}
