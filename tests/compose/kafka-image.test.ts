import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { environment, readComposeFile, repository, service } from './compose-file.ts';

const run = promisify(execFile);
const kafka = service(readComposeFile(), 'kafka');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'windrow-kafka-image-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the class that the image's entry point runs: it merges file and environment, checks them and formats the disk. */
async function setUp(variables: Record<string, string>): Promise<Map<string, string>> {
  const [defaults, mounted, final] = ['defaults', 'mounted', 'final'].map((name) => path.join(folder, name));
  for (const each of [defaults, mounted, final]) await mkdir(each as string, { recursive: true });
  for (const name of ['server.properties', 'log4j2.yaml', 'tools-log4j2.yaml'])
    await writeFile(path.join(defaults as string, name), '');
  const mount = kafka.volumes?.find((volume) => volume.includes('/mnt/shared/config/server.properties'));
  await cp(
    path.join(repository, mount?.split(':')[0] ?? ''),
    path.join(mounted as string, 'server.properties'),
  );
  const { PATH = '' } = process.env;
  await run(
    'java',
    [
      ...['-cp', path.join(repository, '.windrow/parts/kafka/*'), 'kafka.docker.KafkaDockerWrapper', 'setup'],
      ...['--default-configs-dir', defaults as string],
      ...['--mounted-configs-dir', mounted as string],
      ...['--final-configs-dir', final as string],
    ],
    { env: { PATH, ...variables, KAFKA_LOG_DIRS: path.join(folder, 'data') } },
  );
  const lines = (await readFile(path.join(final as string, 'server.properties'), 'utf8')).split('\n');
  const settings = lines.filter((line) => line.includes('=') && !line.startsWith('#'));
  return new Map(settings.map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]));
}

test("Kafka's own image set-up takes the file and the environment of docker-compose.yml", async () => {
  const settings = await setUp(environment(kafka));
  // Of the file, and of the environment, which wins.
  expect(settings.get('log.message.timestamp.type')).toBe('LogAppendTime');
  expect(settings.get('advertised.listeners')).toBe('BROKER://kafka:9092,HOST://127.0.0.1:29092');
  expect(settings.get('listener.security.protocol.map')).toContain('HOST:PLAINTEXT');
  const meta = await readFile(path.join(folder, 'data/meta.properties'), 'utf8');
  expect(meta).toContain(`cluster.id=${environment(kafka).CLUSTER_ID}`);
}, 60_000);

test('and refuses listeners that it does not know', async () => {
  await expect(
    setUp({ ...environment(kafka), KAFKA_LISTENERS: 'UNKNOWN://:9092,CONTROLLER://:9093' }),
  ).rejects.toThrow('UNKNOWN');
}, 60_000);
