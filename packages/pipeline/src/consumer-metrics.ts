import { counter, gauge, type Registry } from '@windrow/runtime';
import type { Broker, ConsumeOptions, GroupConsumer } from './broker.ts';

/** Starts consuming, with the lag of each assigned partition in the registry, and assignments and damaged fetches counted. */
export async function consumeMeasured(
  broker: Broker,
  registry: Registry,
  options: ConsumeOptions,
): Promise<GroupConsumer> {
  const rebalances = counter(registry, {
    name: 'windrow_rebalances_total',
    help: 'Assignments begun: rebalances of the group, and new starts after a failure',
  });
  const damagedFetches = counter(registry, {
    name: 'windrow_damaged_fetches_total',
    help: 'Fetches with a wrong checksum or length; they are repeated',
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
        // Without an answer there is no lag to show; the broker's absence has other alarms.
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
