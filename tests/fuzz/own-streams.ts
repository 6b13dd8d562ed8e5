import {
  AvroCodec,
  type AvroRegistry,
  avroType,
  type EventRecord,
  type StreamContract,
} from '@windrow/contracts';
import { collectFacts, judge, type openInstallation, waitForLanding } from '@windrow/operations';
import type { OutputRecord } from '@windrow/pipeline';
import type { types } from 'avsc';
import { Draw } from '../chaos/draw.ts';
import { drawnValue } from './drawn-value.ts';
import { randomStreamPrefix } from './random-streams.ts';

type Opened = Awaited<ReturnType<typeof openInstallation>>;

export const isRandom = ({ name }: StreamContract): boolean => name.startsWith(randomStreamPrefix);

export interface OwnStreamsOptions {
  seed: number;
  /** The number of records of each stream. */
  records: number;
  installation: Opened;
  landWithinMs: number;
  signal: AbortSignal;
}

/**
 * Sends sound records to the streams with random schemas, one in ten twice, and compares the values of both stores with each other.
 * @returns topic → records that Kafka has acknowledged
 */
export async function fuzzOwnStreams(
  { seed, records, installation, landWithinMs, signal }: OwnStreamsOptions,
  findings: string[],
): Promise<Map<string, number>> {
  const draw = new Draw(seed);
  const own = installation.contracts.filter(isRandom);
  const sent = new Map<string, number>();
  const producer = await installation.broker.producer();
  try {
    for (const contract of own) {
      const outputs = await soundRecords(contract, records, installation.registry, draw);
      const twice = outputs.filter((_, at) => at % 10 === 0);
      await producer.send([{ topic: contract.topics.raw.name, records: [...outputs, ...twice] }]);
      sent.set(contract.topics.raw.name, outputs.length + twice.length);
    }
  } finally {
    await producer.close();
  }
  await waitForLanding(installation, { timeoutMs: landWithinMs, signal });
  const facts = await collectFacts(installation, { deep: true, signal });
  const audit = judge(facts);
  for (const { verdict, line, check, message } of audit.findings)
    findings.push(`deep audit: ${verdict}: ${line}, ${check}: ${message}`);
  for (const contract of own) {
    const accepted = audit.partitions
      .filter(({ topic }) => topic === contract.topics.raw.name)
      .reduce((sum, partition) => sum + partition.accepted, 0);
    const causes = facts.deadLetters.causes
      .filter(({ topic }) => topic === contract.topics.raw.name)
      .map(({ stage, reason, events }) => `${stage}/${reason} ${events}`);
    if (accepted !== records)
      findings.push(
        `${contract.name}: ${records} sound records were sent, ${accepted} were accepted (${causes.join(', ')})`,
      );
  }
  return sent;
}

/** Records with a value of its type for each field of a stream with a random schema. */
export async function soundRecords(
  contract: StreamContract,
  count: number,
  registry: AvroRegistry,
  draw: Draw,
): Promise<OutputRecord[]> {
  const schemaId = await registry.register(contract.topics.raw.name, contract.schema);
  const codec = new AvroCodec(contract.schema, registry);
  const { fields } = avroType(contract.schema) as types.RecordType;
  return Array.from({ length: count }, (_, number): OutputRecord => {
    const drawn = Object.fromEntries(fields.map(({ name, type }) => [name, drawnValue(type, draw)]));
    const record: EventRecord = { ...drawn, id: `sound-${number}`, _quality: null, _extra: null };
    return { key: contract.key(record), value: codec.encode(record, schemaId) };
  });
}
