import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeConfig, environmentNames, loadConfig } from './config.ts';
import { adminConfig, kafkaConfig, postgresConfig, registryConfig, s3Config } from './config-fields.ts';

const everything = z.object({
  ...kafkaConfig.shape,
  ...registryConfig.shape,
  ...s3Config.shape,
  ...postgresConfig.shape,
  ...adminConfig.shape,
});
const env = {
  KAFKA_BROKERS: 'a:9092, b:9093',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081',
  S3_ENDPOINT: '',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'key-id',
  AWS_SECRET_ACCESS_KEY: 'hunter2',
  LAKE_BUCKET: 'lake',
  DATABASE_URL: 'postgres://app:hunter2@127.0.0.1:5432/windrow',
  ADMIN_PORT: '0',
};
const dir = mkdtempSync(join(tmpdir(), 'windrow-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

function faultsOf(schema: z.ZodObject, environment: NodeJS.ProcessEnv): string {
  try {
    loadConfig(schema, environment);
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', retriable: false });
    return (error as Error).message;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  it('types the values, applies defaults and takes an empty variable as unset', () => {
    const config = loadConfig(everything, env);
    expect(config).toMatchObject({
      KAFKA_BROKERS: ['a:9092', 'b:9093'],
      ADMIN_PORT: 0,
      ADMIN_HOST: '127.0.0.1',
    });
    expect(config.S3_ENDPOINT).toBeUndefined();
  });

  it('reports every fault at once, each with what is expected, and no secret', () => {
    const text = faultsOf(everything, {
      ...env,
      KAFKA_BROKERS: 'nonsense',
      DATABASE_URL: 'mysql://app:hunter2@db/x',
      AWS_SECRET_ACCESS_KEY: '',
      ADMIN_PORT: 'http',
      LOG_LEVEL: 'loud',
    });
    const lines = text.split('\n').slice(1);
    expect(lines.map((line) => line.trim().split(':')[0])).toEqual([
      'KAFKA_BROKERS',
      'AWS_SECRET_ACCESS_KEY',
      'DATABASE_URL',
      'ADMIN_PORT',
      'LOG_LEVEL',
    ]);
    expect(lines[0]).toContain(
      '"nonsense" is not valid (each must be host:port); expected the Kafka bootstrap servers',
    );
    expect(lines[0]).toContain('for example 127.0.0.1:9092');
    expect(lines[1]).toContain('is not set');
    expect(text).not.toContain('hunter2');
  });

  it('reads a secret from its file, without the newline at the end', () => {
    const path = join(dir, 'secret');
    writeFileSync(path, 'from a file \n');
    const { AWS_SECRET_ACCESS_KEY: _, ...rest } = env;
    expect(loadConfig(everything, { ...rest, AWS_SECRET_ACCESS_KEY_FILE: path }).AWS_SECRET_ACCESS_KEY).toBe(
      'from a file ',
    );
  });

  it('refuses a secret given twice, a file that is missing and one that is empty', () => {
    const empty = join(dir, 'empty');
    writeFileSync(empty, '\n');
    expect(faultsOf(everything, { ...env, AWS_SECRET_ACCESS_KEY_FILE: empty })).toContain('set one of them');
    const text = faultsOf(everything, {
      ...env,
      AWS_SECRET_ACCESS_KEY: '',
      AWS_SECRET_ACCESS_KEY_FILE: empty,
      DATABASE_URL: '',
      DATABASE_URL_FILE: join(dir, 'none'),
    });
    expect(text).toMatch(/AWS_SECRET_ACCESS_KEY: AWS_SECRET_ACCESS_KEY_FILE names .* which is empty/);
    expect(text).toMatch(/DATABASE_URL: DATABASE_URL_FILE names .* \(ENOENT\)/);
    expect(text.split('\n')).toHaveLength(3);
  });

  it('does not read files for what is no secret', () => {
    const { AWS_REGION: _, ...rest } = env;
    expect(faultsOf(everything, { ...rest, AWS_REGION_FILE: '/etc/hostname' })).toContain(
      'AWS_REGION: is not set',
    );
  });
});

describe('describeConfig', () => {
  it('lists every field with its description, and hides secrets and passwords in URLs', () => {
    const entries = describeConfig(everything, loadConfig(everything, env));
    for (const entry of entries) expect(entry.description, entry.name).not.toBe('');
    const byName = Object.fromEntries(entries.map((entry) => [entry.name, entry]));
    expect(byName.AWS_SECRET_ACCESS_KEY).toMatchObject({ value: '***', secret: true, required: true });
    expect(byName.DATABASE_URL?.value).toBe('postgres://app:***@127.0.0.1:5432/windrow');
    expect(byName.KAFKA_BROKERS?.value).toBe('a:9092,b:9093');
    expect(byName.LOG_LEVEL).toMatchObject({ value: 'info', default: 'info', required: false });
    expect(byName.S3_ENDPOINT).toMatchObject({ value: undefined, required: false });
    expect(JSON.stringify(entries)).not.toContain('hunter2');
  });

  it('names the variables a schema reads', () => {
    expect(environmentNames(postgresConfig)).toEqual(['DATABASE_URL', 'DATABASE_URL_FILE']);
    expect(environmentNames(kafkaConfig)).toEqual(['KAFKA_BROKERS']);
  });
});
