import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { environment, readComposeFile, repository, service } from './compose-file.ts';

const compose = readComposeFile();
const services = Object.entries(compose.services);

describe('docker-compose.yml', () => {
  test('takes every foreign image at an exact version', () => {
    for (const [name, { image }] of services) {
      if (image.startsWith('windrow/')) continue;
      expect(image, name).toMatch(/^[a-z]+(\/[a-z-]+)?:v?\d+\.\d+(\.\d+)?$/);
    }
  });

  test('builds every image of its own once', () => {
    for (const [name, { image }] of services) {
      if (!image.startsWith('windrow/')) continue;
      const builders = services.filter(([, other]) => other.build && other.image === image);
      expect(builders, name).toHaveLength(1);
    }
  });

  test('publishes ports on loopback only, and none twice', () => {
    const published = services.flatMap(([, { ports }]) => ports ?? []);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const hostPorts = published.map((port) => port.split(':')[1]);
    expect(new Set(hostPorts).size).toBe(hostPorts.length);
  });

  test('mounts only what is there', () => {
    for (const [name, { volumes }] of services) {
      for (const volume of volumes ?? []) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./'))
          expect(existsSync(path.join(repository, source)), `${name}: ${source}`).toBe(true);
        else expect(Object.keys(compose.volumes), name).toContain(source);
      }
    }
  });

  test('starts nothing before what it needs is healthy, and every part says when it is', () => {
    for (const [name, { depends_on: needed }] of services) {
      for (const [other, { condition }] of Object.entries(needed ?? {})) {
        if (condition === 'service_healthy') expect(service(compose, other).healthcheck, other).toBeDefined();
        else expect([name, other, condition]).toEqual([name, 'apply', 'service_completed_successfully']);
      }
    }
    for (const name of ['kafka', 'registry', 's3', 'postgres', 'prometheus', 'grafana'])
      expect(service(compose, name).healthcheck, name).toBeDefined();
  });

  test('makes the bucket that the sink writes to, where LocalStack looks for its scripts', () => {
    const s3 = service(compose, 's3');
    expect(s3.volumes).toContain('./localstack/init:/etc/localstack/init:ro');
    const sink = environment(service(compose, 'lake-sink'));
    expect(environment(s3)).toMatchObject({ LAKE_BUCKET: sink.LAKE_BUCKET, AWS_REGION: sink.AWS_REGION });
    expect(sink.S3_ENDPOINT).toBe('http://s3:4566');
  });

  test('gives Prometheus its files side by side, and Grafana its Prometheus and its dashboard', () => {
    const mounted = service(compose, 'prometheus').volumes?.map((volume) => volume.split(':')[1]);
    expect(mounted).toEqual(
      expect.arrayContaining(
        ['prometheus.yml', 'alerts.yml', 'targets.json'].map((name) => `/etc/prometheus/${name}`),
      ),
    );
    const provisioned = (name: string) =>
      parse(readFileSync(path.join(repository, 'infra/grafana/provisioning', name), 'utf8'));
    expect(provisioned('datasources/prometheus.yml').datasources[0].url).toBe('http://prometheus:9090');
    const folder = provisioned('dashboards/windrow.yml').providers[0].options.path as string;
    expect(service(compose, 'grafana').volumes).toContain(`./infra/grafana/dashboards:${folder}:ro`);
  });
});
