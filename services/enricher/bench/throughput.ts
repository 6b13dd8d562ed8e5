/**
 * Events per second and per CPU-second of the enricher, on the flights sent several times over with new ids.
 * KAFKA_BROKERS=… SCHEMA_REGISTRY_URL=… node services/enricher/bench/throughput.ts [times] [partitions]
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Endpoints, flights, installation } from '../fixtures/installation.ts';

const [times = 10, partitions = 4] = process.argv.slice(2).map(Number);
const here = await installation(process.env as Partial<Endpoints>, partitions);
const { track, weather } = flights(here);
await here.send('weather', weather);
for (let time = 0; time < times; time++)
  await here.send(
    'track',
    track.map((record) => ({ ...record, event_id: randomUUID() })),
  );

async function measured(name: string, run: () => Promise<void>): Promise<void> {
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  await run();
  const seconds = (performance.now() - startMs) / 1000;
  const cpu = process.cpuUsage(startCpu);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const events = times * track.length;
  const rssMb = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.log(
    `${name}: ${events} events in ${seconds.toFixed(1)} s = ${Math.round(events / seconds)}/s; ` +
      `${cpuSeconds.toFixed(1)} CPU-s = ${Math.round(events / cpuSeconds)}/CPU-s; ${rssMb} MB`,
  );
}

let enricher: ReturnType<typeof here.start> | undefined;
await measured('enriched', async () => {
  enricher = here.start({ maxIds: 4_000_000 });
  while (!(await here.isDone())) await sleep(100);
});
const transactions = (await here.accounts()).length;
console.log(`${transactions} transactions`);
await enricher?.stop();
await measured('ids reloaded', async () => {
  enricher = here.start({ maxIds: 4_000_000 });
  await enricher.started;
  while (!enricher.readiness.ready) await sleep(50);
});
await enricher?.stop();
await here.close();
