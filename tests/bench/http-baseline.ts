/**
 * Baseline servers for the producer, each a process of its own. `bare` parses a batch and discards it; `avro` also encodes
 * its messages as Avro. Prints its address to standard output.
 */
import {
  AvroCodec,
  AvroRegistry,
  loadStreams,
  messagesOf,
  parseInput,
  streamNamed,
} from '@windrow/contracts';
import { createRegistry } from '@windrow/runtime';
import fastify, { type FastifyInstance } from 'fastify';

const kind = process.argv[2];
const registry = createRegistry(`bench-${kind}`);
const app: FastifyInstance = fastify({ bodyLimit: 500 * 1024 });
app.get('/metrics', () => registry.metrics());

if (kind === 'avro') {
  const track = streamNamed(await loadStreams(), 'track');
  const codec = new AvroCodec(track.schema, new AvroRegistry('http://127.0.0.1'));
  app.post('/v1/batch', async ({ body }) => {
    const taken = messagesOf({ path: '/v1/batch', body: 'batch' }, body);
    for (const message of taken.ok ? taken.messages : []) {
      const parsed = parseInput(track, message, { kind: 'http', receivedAtMs: Date.now() });
      if (parsed.ok) codec.encode(parsed.record, 1);
    }
    return { success: true };
  });
} else app.post('/v1/batch', async () => ({ success: true }));

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
