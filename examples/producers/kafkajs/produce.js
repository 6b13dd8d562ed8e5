// Posts one event to track.raw with kafkajs. Needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL.
import { randomUUID } from 'node:crypto';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import kafkajs from 'kafkajs';

const topic = 'track.raw';
const registry = new SchemaRegistry({ host: process.env.SCHEMA_REGISTRY_URL });
const kafka = new kafkajs.Kafka({
  brokers: process.env.KAFKA_BROKERS.split(','),
  clientId: 'example-kafkajs',
  logLevel: kafkajs.logLevel.WARN,
});
// kafkajs' default partitioner is Kafka's own, murmur2 of the key.
const producer = kafka.producer({ idempotent: true, createPartitioner: kafkajs.Partitioners.DefaultPartitioner });

const now = Date.now();
// The schema's other fields have defaults.
const event = {
  event_id: randomUUID(),
  type: 'track',
  event_name: 'Ride Started',
  user_id: 'rider-7',
  occurred_at: now,
  received_at: now,
  city: 'Zurich',
  properties: JSON.stringify({ from: 'kafkajs' }),
};

const schemaId = await registry.getLatestSchemaId(`${topic}-value`);
await producer.connect();
try {
  const [sent] = await producer.send({
    topic,
    acks: -1,
    compression: kafkajs.CompressionTypes.GZIP,
    messages: [{ key: event.user_id, value: await registry.encode(schemaId, event) }],
  });
  console.log(JSON.stringify({ event_id: event.event_id, partition: sent.partition }));
} finally {
  await producer.disconnect();
}
