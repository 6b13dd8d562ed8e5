import { connect } from 'node:net';
import pg from 'pg';
import { type StackStatus, stackStatus } from './background.ts';
import type { PartRecord } from './stack-record.ts';
import { type PartName, readStackEnv, type StackEndpoints } from './state.ts';

const answerWithinMs = 2_000;

/** The state of the stack and of its parts, each of which was asked. */
export interface AskedStack extends Omit<StackStatus, 'state' | 'parts'> {
  /** `silent`: a part is running and does not answer. */
  state: StackStatus['state'] | 'silent';
  parts: AskedPart[];
}

type AskedPart = Omit<PartRecord, 'state'> & { state: PartRecord['state'] | 'silent' };

/**
 * The state of the stack, with one short question to each part that its record calls ready. A part that gives no answer, because
 * it hangs or another program has its port, is `silent`.
 */
export async function askStack(stateDir: string): Promise<AskedStack> {
  const status = stackStatus(stateDir);
  if (status.state !== 'ready') return status;
  const endpoints = readStackEnv(stateDir);
  const parts = await Promise.all(status.parts.map((part) => asked(part, endpoints)));
  const isSilent = parts.some(({ state }) => state === 'silent');
  return { ...status, state: isSilent ? 'silent' : status.state, parts };
}

async function asked(part: PartRecord, endpoints: StackEndpoints): Promise<AskedPart> {
  if (part.state !== 'ready') return part;
  try {
    await questions[part.name](endpoints);
    return part;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...part, state: 'silent', failure: `it does not answer: ${reason}` };
  }
}

const questions: Record<PartName, (endpoints: StackEndpoints) => Promise<void>> = {
  kafka: ({ KAFKA_BROKERS = '' }) => askKafka(KAFKA_BROKERS),
  registry: ({ SCHEMA_REGISTRY_URL }) => askHttp(`${SCHEMA_REGISTRY_URL}/subjects`),
  s3: ({ S3_ENDPOINT }) => askHttp(`${S3_ENDPOINT}/_localstack/health`),
  postgres: ({ DATABASE_URL }) => askPostgres(DATABASE_URL),
  prometheus: ({ PROMETHEUS_URL }) => askHttp(`${PROMETHEUS_URL}/-/ready`),
};

async function askHttp(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}

async function askPostgres(url: string | undefined): Promise<void> {
  const client = new pg.Client({
    ...(url !== undefined && { connectionString: url }),
    connectionTimeoutMillis: answerWithinMs,
    query_timeout: answerWithinMs,
  });
  // A connection that breaks fails its query. Without a listener, its error event would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** ApiVersions, which every broker answers before anything else: https://kafka.apache.org/protocol#The_Messages_ApiVersions */
function askKafka(broker: string): Promise<void> {
  const [host = '', port = ''] = broker.split(':');
  const clientId = 'windrow-status';
  const request = Buffer.alloc(4 + 10 + clientId.length);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(18, 4); // ApiVersions
  request.writeInt16BE(0, 6); // version 0
  request.writeInt32BE(1, 8); // correlation id
  request.writeInt16BE(clientId.length, 12);
  request.write(clientId, 14, 'latin1');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host, port: Number(port) }, () => socket.write(request));
  socket.setTimeout(answerWithinMs, () => reject(new Error(`no answer within ${answerWithinMs / 1000} s`)));
  socket.once('data', () => resolve());
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('it closed the connection')));
  return promise.finally(() => socket.destroy());
}
