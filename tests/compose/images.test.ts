import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { services } from '@windrow/stack';
import { afterAll, describe, expect, test } from 'vitest';
import { environment, readComposeFile, repository, service } from './compose-file.ts';
import { copyFromContext, readDockerfile, type Stage } from './dockerfile.ts';

// There is no Docker here, so the instructions are followed in a folder: the same files, the same `npm ci`, the same
// command. What this can't show is the base image and its user.

const compose = readComposeFile();
const built = Object.keys(compose.services).filter((name) => compose.services[name]?.build);
const folder = mkdtempSync(path.join(tmpdir(), 'windrow-images-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function stagesOf(name: string): [Stage, Stage] {
  const stages = readDockerfile(path.join(repository, service(compose, name).build?.dockerfile ?? ''));
  return stages as [Stage, Stage];
}

/** The folder /app of the image. */
function build(name: string): string {
  const [dependencies, image] = stagesOf(name);
  const app = path.join(folder, name);
  mkdirSync(app, { recursive: true });
  for (const copy of dependencies.copies) copyFromContext(repository, copy, app);
  for (const run of dependencies.runs) {
    const [program, ...args] = run.split(/\s+/);
    expect([program, args[0]]).toEqual(['npm', 'ci']);
    execFileSync('npm', [...args, '--prefer-offline', '--loglevel=error'], { cwd: app });
  }
  expect(image.copies[0]).toEqual({ from: 'dependencies', sources: ['/app'], to: './' });
  for (const copy of image.copies.slice(1)) copyFromContext(repository, copy, app);
  return app;
}

function start(app: string, command: string[], env: Record<string, string>) {
  expect(command[0]).toBe('node');
  const { PATH = '' } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, command.slice(1), {
    cwd: app,
    env: { PATH, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, output: stdout + stderr };
}

describe.each(built)('the image of %s', (name) => {
  test('has the pinned Node and does not run as root', () => {
    const { devDependencies } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as {
      devDependencies: { node: string };
    };
    const [dependencies, image] = stagesOf(name);
    for (const stage of [dependencies, image]) expect(stage.from).toBe(`node:${devDependencies.node}-slim`);
    expect(image.user).toBe('node');
  });

  test('has all that its command imports, with production dependencies only', { timeout: 120_000 }, () => {
    const app = build(name);
    const [, image] = stagesOf(name);
    expect(existsSync(path.join(app, 'node_modules/vitest'))).toBe(false);
    if (name === 'apply') {
      const { status, output } = start(app, [...image.command, '--help'], image.environment);
      expect(output).toContain('streams');
      expect(status).toBe(0);
      return;
    }
    // Without a configuration it starts, loads everything, and says what is missing.
    const without = start(app, image.command, image.environment);
    expect(without.output).toContain('Configuration is invalid');
    expect(without.output).toContain('KAFKA_BROKERS');
    expect(without.output).not.toContain('ADMIN_PORT');
    expect(without.status).toBe(2);
  });
});

test('a built image is published on its own ports, and Prometheus asks there', () => {
  const groups = JSON.parse(
    readFileSync(path.join(repository, 'infra/prometheus/compose-targets.json'), 'utf8'),
  ) as { targets: string[]; labels: { job: string } }[];
  const services = built.filter((name) => name !== 'apply');
  expect(groups.map(({ labels }) => labels.job)).toEqual(services);
  for (const { targets, labels } of groups) {
    const [, image] = stagesOf(labels.job);
    const adminPort = image.environment.ADMIN_PORT;
    expect(targets).toEqual([`${labels.job}:${adminPort}`]);
    expect(image.exposes).toContain(Number(adminPort));
    expect(service(compose, labels.job).ports).toContain(`127.0.0.1:${adminPort}:${adminPort}`);
    expect(environment(service(compose, labels.job)).ADMIN_PORT).toBeUndefined();
  }
});

test("a service's image sets what windrow up sets for its process", () => {
  for (const { name, env } of services) expect(stagesOf(name)[1].environment).toMatchObject(env);
});

test('what the image must not have is left out of the context', () => {
  const to = path.join(folder, 'context');
  for (const sources of [['packages'], ['services']])
    copyFromContext(repository, { from: undefined, sources, to: `./${sources[0]}` }, to);
  const copied = readdirSync(to, { recursive: true, encoding: 'utf8' });
  expect(copied).toContain('packages/lake/src/index.ts');
  expect(
    copied.filter((file) => /\.test\.ts$|\/(testing|fixtures|bench|node_modules)(\/|$)/.test(file)),
  ).toEqual([]);
  cpSync(path.join(repository, '.dockerignore'), path.join(to, '.dockerignore'));
  copyFromContext(repository, { from: undefined, sources: ['README.md'], to: './' }, to);
  expect(existsSync(path.join(to, 'README.md'))).toBe(false);
});
