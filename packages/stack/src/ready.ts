import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { probeKafka } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import pg from 'pg';
import type { StackEndpoints } from './state.ts';

// An open port proves little: Kafka's coordinators answer "loading" for a second after it is open, and LocalStack answers
// before its bucket is there. So each check does once what the pipeline relies on, and cleans up after itself.

const attemptMs = 5_000;

function notYet(reason: string, cause?: unknown): WindrowError {
  return new WindrowError('STACK_PART_FAILED', reason, { retriable: true, cause });
}

/** A transaction is committed, and a member of a consumer group reads what it wrote. */
export function checkKafka(brokers: string): Promise<void> {
  return probeKafka([brokers], attemptMs);
}

async function request(url: string, method = 'GET', body?: unknown): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(attemptMs),
  });
  if (!response.ok) {
    throw notYet(`${method} ${url} answers ${response.status}: ${(await response.text()).slice(0, 200)}`);
  }
  return response;
}

/** A schema is registered and can be read by its id. */
export async function checkRegistry(url: string): Promise<void> {
  const subject = `${url}/subjects/windrow-ready-${randomUUID()}`;
  const registered = await request(`${subject}/versions`, 'POST', { schema: '"string"' });
  const { id } = (await registered.json()) as { id: number };
  await request(`${url}/schemas/ids/${id}`);
  await request(subject, 'DELETE');
  await request(`${subject}?permanent=true`, 'DELETE');
}

/** The bucket is there, and of two conditional PUTs of a key the second is refused. */
export async function checkS3(endpoints: StackEndpoints): Promise<void> {
  const client = new S3Client({
    endpoint: endpoints.S3_ENDPOINT as string,
    region: endpoints.AWS_REGION as string,
    credentials: {
      accessKeyId: endpoints.AWS_ACCESS_KEY_ID as string,
      secretAccessKey: endpoints.AWS_SECRET_ACCESS_KEY as string,
    },
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const object = { Bucket: endpoints.LAKE_BUCKET as string, Key: `windrow-ready-${randomUUID()}` };
  try {
    const put = () => client.send(new PutObjectCommand({ ...object, Body: 'ready', IfNoneMatch: '*' }));
    await put();
    const refused = await put().then(
      () => false,
      (error) => error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412,
    );
    await client.send(new DeleteObjectCommand(object));
    if (!refused) throw notYet('a conditional PUT of a key that exists was not refused with 412');
  } finally {
    client.destroy();
  }
}

/** The stack's database is there (made on the first call) and answers a query. */
export async function checkPostgres(url: string, database: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  await query(maintenance.href, async (client) => {
    const known = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (known.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  });
  await query(url, async (client) => {
    await client.query('CREATE TEMPORARY TABLE ready AS SELECT 1 AS answer');
    await client.query('SELECT answer FROM ready');
  });
}

async function query(url: string, run: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: attemptMs });
  // A connection that breaks after its query has been answered is nobody's concern; unheard, it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await run(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** It answers a query. */
export async function checkPrometheus(url: string): Promise<void> {
  await request(`${url}/api/v1/query?query=1`);
}
