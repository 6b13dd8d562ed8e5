import type { ICustomPartitioner, Message, PartitionMetadata } from 'kafkajs';
import { reloadModule, replaceModule } from './kafkajs-internals.ts';

/** From the grouping up to the client: each module keeps the one before it from when it was loaded. */
const dependents = ['producer/sendMessages', 'producer/messageProducer', 'producer/index', 'index'];

/**
 * Makes a producer's call take time in proportion to its messages. For each message, kafkajs copies the list of the
 * messages that it has for the partition: with thousands of messages in a call, that was a third of an event's cost.
 */
export function groupMessagesInLinearTime(): void {
  replaceModule('producer/groupMessagesPerPartition', groupMessagesPerPartition);
  for (const module of dependents) reloadModule(module);
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
