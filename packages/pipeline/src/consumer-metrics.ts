import { counter, gauge, type Registry } from '@windrow/runtime';
import type { Broker, ConsumeOptions, GroupConsumer } from './broker.ts';

/** Starts a consumer, and measures its rebalances, its corrupt fetches and the lag of each assigned partition. */
export async function consumeMeasured(
  broker: Broker,
  registry: Registry,
  options: ConsumeOptions,
): Promise<GroupConsumer> {
  const rebalances = counter(registry, {
    name: 'windrow_rebalances_total',
    help: 'Assignments started: rebalances of the consumer group, and restarts after a failure',
  });
  const damagedFetches = counter(registry, {
    name: 'windrow_damaged_fetches_total',
    help: 'Fetches of corrupt data (wrong checksum or length); the consumer fetches it again',
    labels: ['topic', 'partition'],
  });
  const consumer = await broker.consume({
    ...options,
    onAssignment: (reason, partitions) => {
      rebalances.inc();
      options.onAssignment?.(reason, partitions);
    },
    onDamage: (error, of) => {
      damagedFetches.inc({ ...of });
      options.onDamage?.(error, of);
    },
  });
  gauge(registry, {
    name: 'windrow_consumer_lag',
    help: "Consumer lag: offsets between the end of the partition and this process's position",
    labels: ['topic', 'partition'],
    collect: async (lag) => {
      lag.reset();
      const positions = consumer.positions();
      for (const topic of new Set(positions.map((position) => position.topic))) {
        // Without Kafka's answer no lag is shown; readiness shows that Kafka is unavailable.
        const ends = await broker.endOffsets(topic).catch(() => new Map<number, number>());
        for (const { partition, offset } of positions.filter((position) => position.topic === topic)) {
          const end = ends.get(partition);
          if (end !== undefined) lag.set({ topic, partition }, Math.max(0, end - offset));
        }
      }
    },
  });
  return consumer;
}
