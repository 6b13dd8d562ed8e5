import path from 'node:path';
import { applyConfig, installationConfig } from '@windrow/operations';
import { environmentNames, loadConfig } from '@windrow/runtime';
import { services } from '@windrow/stack';
import { describe, expect, test } from 'vitest';
import { environment, readComposeFile, repository, service } from './compose-file.ts';
import { readDockerfile } from './dockerfile.ts';

const compose = readComposeFile();

/** What the process in the container gets: the image's variables, and those of docker-compose.yml over them. */
function environmentOf(name: string): Record<string, string> {
  const dockerfile = service(compose, name).build?.dockerfile ?? '';
  const image = readDockerfile(path.join(repository, dockerfile)).at(-1);
  return { ...image?.environment, ...environment(service(compose, name)) };
}

describe.each(services)('the environment of $name in docker-compose.yml', ({ name, config, env }) => {
  test('is a configuration: what is required is given, and every value is accepted', async () => {
    const schema = await config();
    const given = environmentOf(name);
    expect(loadConfig(schema, given)).toMatchObject({ ADMIN_HOST: '0.0.0.0' });
    const { KAFKA_BROKERS, ...without } = given;
    expect(KAFKA_BROKERS).toBeDefined();
    expect(() => loadConfig(schema, without)).toThrow('KAFKA_BROKERS');
  });

  test('has no variable that it does not read', async () => {
    const runtime = ['NODE_ENV', ...Object.keys(env)];
    const known = new Set([...runtime, ...environmentNames(await config())]);
    expect(Object.keys(environmentOf(name)).filter((variable) => !known.has(variable))).toEqual([]);
  });

  test('names hosts that are services of the same file', async () => {
    const hosts = Object.values(environmentOf(name)).flatMap(
      (value) => /^(?:\w+:\/\/(?:[^@/]*@)?)?([a-z][a-z0-9-]*):\d+/.exec(value)?.[1] ?? [],
    );
    expect(hosts).toContain('kafka');
    for (const host of hosts) expect(Object.keys(compose.services)).toContain(host);
  });
});

test('the command that makes topics, subjects and tables has what it reads', () => {
  expect(() => loadConfig(applyConfig, environmentOf('apply'))).not.toThrow();
});

test('the command for people has an installation, that of the services', () => {
  const given = environment(service(compose, 'cli'));
  expect(() => loadConfig(installationConfig, given)).not.toThrow();
  for (const name of ['lake-sink', 'postgres-sink'])
    for (const [variable, value] of Object.entries(environment(service(compose, name))))
      if (variable in installationConfig.shape) expect(given[variable], variable).toBe(value);
});
