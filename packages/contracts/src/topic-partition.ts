/** A partition of a Kafka topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** How a partition is written in logs, errors and keys: `<topic>/<partition>`. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
