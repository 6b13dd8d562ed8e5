/**
 * Records per second and per CPU-second that a consumer is handed: as objects, and as record batches.
 * KAFKA_BROKERS=… node packages/pipeline/bench/fetch.ts [records] [partitions] [rounds]
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { TopicPartition } from '@windrow/contracts';
import { ReportWriter } from '../../../tests/bench/report.ts';
import type { ConsumeOptions } from '../src/broker.ts';
import { KafkaBroker } from '../src/kafka/kafka-broker.ts';

const [records = 500_000, partitions = 4, rounds = 3] = process.argv.slice(2).map(Number);
/** With its key and framing a record takes about 350. */
const valueBytes = 330;
const recordsAtOnce = 10_000;

const report = new ReportWriter({
  table: 'fetch',
  title: 'Fetching from Kafka: objects and record batches',
  columns: [
    { name: 'handed out as' },
    { name: 'records a second', unit: '/s' },
    { name: 'records a CPU-second', unit: '/CPU-s' },
  ],
});
report.note('The processor time is that of the consuming process alone: Kafka has its own.');

const broker = new KafkaBroker({
  brokers: (process.env.KAFKA_BROKERS ?? '').split(','),
  clientId: 'bench-fetch',
});
const topic = `bench-fetch-${randomUUID()}`;
await broker.createTopics([
  { name: topic, partitions, config: { 'message.timestamp.type': 'LogAppendTime' } },
]);
const producer = await broker.producer();
for (let sent = 0; sent < records; sent += recordsAtOnce) {
  const count = Math.min(recordsAtOnce, records - sent);
  const some = Array.from({ length: count }, () => ({
    key: randomUUID().slice(0, 12),
    value: randomBytes(valueBytes),
  }));
  await producer.send([{ topic, records: some }]);
}
await producer.close();

const assigned = async (of: TopicPartition[]) => of.map((one) => ({ ...one, offset: 0 }));

/** Counts the records and their bytes, as the least that a handler does. */
async function consumeAll(name: string, handlerOf: (seen: Seen) => ConsumeOptions['handler']): Promise<void> {
  const seen = new Seen();
  const options = { groupId: randomUUID(), topics: [topic], concurrency: partitions };
  const consumer = await broker.consume({ ...options, handler: handlerOf(seen) });
  await Promise.race([seen.all, consumer.failed]);
  const seconds = (performance.now() - seen.startMs) / 1000;
  const cpu = process.cpuUsage(seen.startCpu);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  await consumer.stop();
  if (seen.bytes !== records * valueBytes) throw new Error(`${seen.bytes} bytes of ${records * valueBytes}`);
  report.add([name, records / seconds, records / cpuSeconds]);
}

class Seen {
  records = 0;
  bytes = 0;
  /** From the assignment on: joining a group is waiting. */
  startMs = 0;
  startCpu = process.cpuUsage();
  readonly #done = Promise.withResolvers<void>();
  readonly all = this.#done.promise;

  begin(of: TopicPartition[]) {
    this.startMs = performance.now();
    this.startCpu = process.cpuUsage();
    return assigned(of);
  }

  add(count: number, bytes: number): void {
    this.records += count;
    this.bytes += bytes;
    if (this.records >= records) this.#done.resolve();
  }
}

for (let round = 0; round < rounds; round++) {
  await consumeAll(`objects, round ${round + 1}`, (seen) => ({
    assigned: (of) => seen.begin(of),
    batch: async (batch) => {
      let bytes = 0;
      for (const { value } of batch.records) bytes += value?.length ?? 0;
      seen.add(batch.records.length, bytes);
    },
  }));
  await consumeAll(`record batches, round ${round + 1}`, (seen) => ({
    assigned: (of) => seen.begin(of),
    recordBatches: async ({ batches }) => {
      for (const { count, valueStarts, valueEnds } of batches) {
        let bytes = 0;
        for (let index = 0; index < count; index++)
          bytes += (valueEnds[index] ?? 0) - (valueStarts[index] ?? 0);
        seen.add(count, bytes);
      }
    },
  }));
}
report.close();
await broker.close();
