/**
 * Events per second and per CPU-second of the enricher, for the flights sent several times with new ids; and the memory of
 * the ids for deduplication. KAFKA_BROKERS=… SCHEMA_REGISTRY_URL=…
 *   node services/enricher/bench/throughput.ts [times] [partitions] [ids remembered]
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dedupe } from '@windrow/enrichment';
import { ReportWriter } from '../../../tests/bench/report.ts';
import { type Endpoints, flights, installation } from '../fixtures/installation.ts';

const [times = 10, partitions = 4, rememberedIds = 10_000_000] = process.argv.slice(2).map(Number);
const dayMs = 86_400_000;
/** Keeps the state of all partitions in memory while it is measured. */
const held: Dedupe[] = [];

const here = await installation(process.env as Partial<Endpoints>, partitions);
const { track, weather } = flights(here);
const events = times * track.length;
const report = new ReportWriter({
  table: 'enricher',
  title: `The enricher, ${events.toLocaleString('en')} flights in ${partitions} partitions: rules, duplicates, weather join, a transaction a batch`,
  columns: [
    { name: 'run' },
    { name: 'events/s' },
    { name: 'CPU', unit: 's', digits: 1 },
    { name: 'events/CPU-s' },
    { name: 'RSS', unit: 'MiB' },
    { name: 'ids, state', unit: 'MB' },
  ],
});
await here.send('weather', weather);
for (let time = 0; time < times; time++)
  await here.send(
    'track',
    track.map((record) => ({ ...record, event_id: randomUUID() })),
  );

async function measured(name: string, count: number, run: () => Promise<number | null>): Promise<void> {
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  const stateBytes = await run();
  const seconds = (performance.now() - startMs) / 1000;
  const cpu = process.cpuUsage(startCpu);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const rssMiB = process.memoryUsage.rss() / 2 ** 20;
  const stateMb = stateBytes === null ? null : stateBytes / 1e6;
  report.add([name, count / seconds, cpuSeconds, count / cpuSeconds, rssMiB, stateMb]);
}

let enricher: ReturnType<typeof here.start> | undefined;
await measured('events enriched', events, async () => {
  enricher = here.start({ maxIds: 4_000_000 });
  while (!(await here.isDone())) await sleep(100);
  return null;
});
const transactions = (await here.accounts()).length;
await enricher?.stop();
await measured('ids read again at a start', events, async () => {
  enricher = here.start({ maxIds: 4_000_000 });
  await enricher.started;
  while (!enricher.readiness.ready) await sleep(50);
  return null;
});
await enricher?.stop();
await here.close();
await measured(
  `${rememberedIds.toLocaleString('en')} ids remembered, each asked for first`,
  rememberedIds,
  async () => {
    const perPartition = rememberedIds / partitions;
    let bytes = 0;
    for (let partition = 0; partition < partitions; partition++) {
      // With the default limit, so that the free slots of a grown table are measured too.
      const dedupe = new Dedupe({ horizonMs: dayMs, maxIds: 4_000_000 });
      for (let index = 0; index < perPartition; index++) {
        const id = `${partition}-${index}`;
        if (!dedupe.has(id, index)) dedupe.add(id, index);
      }
      if (dedupe.size !== perPartition)
        throw new Error(`${dedupe.size} ids are remembered of ${perPartition}`);
      bytes += dedupe.bytes;
      held.push(dedupe);
    }
    return bytes;
  },
);
report.note(
  `${transactions} transactions for ${events.toLocaleString('en')} events: ${Math.round(events / transactions)} events each.`,
);
report.note(`The last line is of ${partitions} partitions' states, all held at once, without Kafka.`);
report.close();
