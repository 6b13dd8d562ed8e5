import kafkajs, { type ICustomPartitioner } from 'kafkajs';
import { partitionOfKey } from '../partition-of-key.ts';

/**
 * Chooses partitions as Kafka clients do by default: by the key's murmur2 hash, or round robin without a key. kafkajs' own
 * is ten times slower, because it computes with objects.
 */
export const partitionByKey: ICustomPartitioner = () => {
  const roundRobin = kafkajs.Partitioners.DefaultPartitioner();
  return (choice) => {
    const { key, partition } = choice.message;
    if (key === null || key === undefined || (partition !== null && partition !== undefined))
      return roundRobin(choice);
    return partitionOfKey(key, choice.partitionMetadata.length);
  };
};
