import {
  AvroCodec,
  type AvroRegistry,
  type DeadLetter,
  deadLetterSchema,
  deadLetterTopic,
} from '@windrow/contracts';
import type { Broker } from '@windrow/pipeline';

/** The dead letters about records of one topic that are in Kafka by now. */
export async function deadLettersOf(
  broker: Broker,
  registry: AvroRegistry,
  topic: string,
): Promise<DeadLetter[]> {
  const codec = new AvroCodec(deadLetterSchema, registry);
  const letters: DeadLetter[] = [];
  const reader = await broker.read({
    topic: deadLetterTopic.name,
    async onBatch({ records }) {
      for (const result of await codec.decode(records.map(({ value }) => value)))
        if (result.ok && result.record.topic === topic) letters.push(result.record as unknown as DeadLetter);
    },
  });
  try {
    await reader.reached(await broker.highWatermarks(deadLetterTopic.name));
  } finally {
    await reader.close();
  }
  return letters;
}
