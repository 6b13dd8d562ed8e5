import { AvroCodec, type AvroRegistry, type EventRecord, type StreamContract } from '@windrow/contracts';
import type { Broker, OutputRecord } from '@windrow/pipeline';
import { Draw } from '../chaos/draw.ts';
import { made, mutateBytes } from './mutate.ts';
import { isRandom, soundRecords as soundRandomRecords } from './own-streams.ts';

export interface FuzzKafkaOptions {
  seed: number;
  records: number;
  broker: Broker;
  registry: AvroRegistry;
  contracts: StreamContract[];
  signal: AbortSignal;
}

const startMs = Date.UTC(2024, 4, 1);
const recordsPerSend = 500;
/** The number of valid records of each stream that mutations start from. */
const sound = 200;

/**
 * Sends mutated records to every raw topic, as other Kafka clients might. @returns topic → records that Kafka has
 * acknowledged
 */
export async function fuzzKafka(
  options: FuzzKafkaOptions,
  onProgress: (sent: number) => void = () => undefined,
): Promise<Map<string, number>> {
  const { seed, records, broker, contracts, signal } = options;
  const sent = new Map<string, number>();
  const draw = new Draw(seed);
  const sources = await Promise.all(contracts.map((contract) => soundRecords(contract, options, draw)));
  const producer = await broker.producer();
  try {
    for (let done = 0; done < records && !signal.aborted; ) {
      const { topic, isCompacted, outputs } = draw.one(sources);
      const size = Math.min(recordsPerSend, records - done);
      const mutated = Array.from({ length: size }, () => {
        const record = mutate(draw.one(outputs), draw);
        // Kafka rejects records without a key in compacted topics.
        return isCompacted ? { ...record, key: record.key ?? '' } : record;
      });
      await producer.send([{ topic, records: mutated }]);
      sent.set(topic, (sent.get(topic) ?? 0) + size);
      done += size;
      onProgress(done);
    }
  } finally {
    await producer.close();
  }
  return sent;
}

async function soundRecords(contract: StreamContract, { registry }: FuzzKafkaOptions, draw: Draw) {
  const topic = contract.topics.raw.name;
  if (isRandom(contract))
    return { topic, isCompacted: false, outputs: await soundRandomRecords(contract, sound, registry, draw) };
  const schemaId = await registry.register(topic, contract.schema);
  const codec = new AvroCodec(contract.schema, registry);
  const outputs = Array.from({ length: sound }, (_, number): OutputRecord => {
    const record = recordOf(contract, `fuzz-${contract.name}-${number}`, draw);
    return { key: contract.key(record), value: codec.encode(record, schemaId) };
  });
  return { topic, isCompacted: contract.topics.raw.cleanup === 'compact', outputs };
}

/** A valid value for each field. */
function recordOf({ schema }: StreamContract, id: string, draw: Draw): EventRecord {
  const drawn = (field: string, type: unknown): unknown => {
    if (Array.isArray(type)) {
      const other = type.find((branch) => branch !== 'null');
      return draw.chance(0.3) ? null : drawn(field, other);
    }
    const base = typeof type === 'object' && type !== null ? (type as { type: unknown }).type : type;
    if (base === 'long' || base === 'int') return startMs + draw.between(0, 86_400_000);
    if (base === 'double' || base === 'float') return draw.between(0, 100) / 100;
    return field.endsWith('_id') ? id : draw.one(['track', 'rain', 'Zurich', '{}']);
  };
  return Object.fromEntries(schema.fields.map((field) => [field.name, drawn(field.name, field.type)]));
}

/** Leaves one record in ten as it is; changes the value, the key or the headers of the others. */
function mutate({ key, value }: OutputRecord, draw: Draw): OutputRecord {
  if (draw.chance(0.1)) return { key, value };
  return {
    key: draw.chance(0.3) ? draw.one([null, '', made(draw, 60), 'x'.repeat(2_000)]) : key,
    value: mutatedValue(value ?? Buffer.alloc(0), draw),
    ...(draw.chance(0.1) && {
      headers: { [made(draw, 8).toString('latin1')]: made(draw, 30).toString('hex') },
    }),
  };
}

function mutatedValue(value: Buffer, draw: Draw): Buffer | null {
  const kind = draw.between(0, 19);
  if (kind === 0) return null;
  if (kind === 1) return made(draw, 200);
  if (kind === 2) return Buffer.from(JSON.stringify({ event: 'Ride Started', at: draw.between(0, 1e9) }));
  if (kind === 3) return Buffer.concat([value, Buffer.alloc(draw.between(1, 50_000), draw.between(0, 255))]);
  if (kind === 4) {
    const otherSchema = Buffer.from(value);
    otherSchema.writeInt32BE(draw.one([0, 1, 2, 3, 4, 5, -1, 2 ** 31 - 1]), 1);
    return otherSchema;
  }
  // After the header, so that the error is in the Avro value.
  return Buffer.concat([value.subarray(0, 5), mutateBytes(value.subarray(5), draw)]);
}
