import { createRequire } from 'node:module';
import type { ICustomPartitioner, Kafka, Message, PartitionMetadata } from 'kafkajs';

const require = createRequire(import.meta.url);
const groupingModule = 'kafkajs/src/producer/groupMessagesPerPartition';
/** From the client to what groups: each has taken the next one when it was loaded. */
const takers = ['sendMessages', 'messageProducer', 'index'].map((name) => `kafkajs/src/producer/${name}`);
const clientModule = 'kafkajs/src/index';

let client: typeof Kafka | undefined;

/**
 * kafkajs' client, whose producers take a call of n messages in time that grows with n. For each message kafkajs copies the
 * list of those that it has for the partition: with thousands in a call, a third of what an event costs.
 */
export function producingClient(): typeof Kafka {
  if (client) return client;
  require(groupingModule);
  const grouping = require.cache[require.resolve(groupingModule)];
  if (grouping) grouping.exports = groupMessagesPerPartition;
  for (const name of [...takers, clientModule]) delete require.cache[require.resolve(name)];
  client = require(clientModule) as typeof Kafka;
  return client;
}

export function groupMessagesPerPartition(call: {
  topic: string;
  partitionMetadata: PartitionMetadata[];
  messages: Message[];
  partitioner: ReturnType<ICustomPartitioner>;
}): Record<number, Message[]> {
  const { topic, partitionMetadata, messages, partitioner } = call;
  const groups: Record<number, Message[]> = {};
  if (partitionMetadata.length === 0) return groups;
  for (const message of messages) {
    const partition = partitioner({ topic, partitionMetadata, message });
    const group = groups[partition];
    if (group) group.push(message);
    else groups[partition] = [message];
  }
  return groups;
}
