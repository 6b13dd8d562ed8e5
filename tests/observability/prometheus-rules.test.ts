import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const run = promisify(execFile);
const infra = new URL('../../infra/prometheus/', import.meta.url).pathname;
const promtool = new URL('../../.windrow/parts/prometheus/usr/bin/promtool', import.meta.url).pathname;

interface Rule {
  alert?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

describe('infra/prometheus', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'windrow-promtool-'));
    await cp(infra, folder, { recursive: true });
    await cp(join(folder, 'compose-targets.json'), join(folder, 'targets.json'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the configuration is right, with its rules and its targets', async () => {
    const { stdout, stderr } = await run(promtool, ['check', 'config', join(folder, 'prometheus.yml')]);
    expect(stdout).toContain('1 rule files found');
    expect(stdout + stderr).not.toMatch(/WARNING|FAILED/);
  });

  test('a fault in the targets is found', async () => {
    const broken = await mkdtemp(join(folder, 'broken-'));
    await cp(join(folder, 'prometheus.yml'), join(broken, 'prometheus.yml'));
    await cp(join(folder, 'alerts.yml'), join(broken, 'alerts.yml'));
    await writeFile(join(broken, 'targets.json'), '[{"target": "producer:9101"}]');
    await expect(run(promtool, ['check', 'config', join(broken, 'prometheus.yml')])).rejects.toThrow();
  });

  test('the alerts fire when they must and only then', async () => {
    const { stdout } = await run(promtool, ['test', 'rules', join(folder, 'alerts_test.yml')]);
    expect(stdout).toContain('SUCCESS');
  });

  test('every alert has its test, its severity, and says what to do', async () => {
    const { groups } = parse(await readFile(join(infra, 'alerts.yml'), 'utf8')) as {
      groups: { rules: Rule[] }[];
    };
    const tests = await readFile(join(infra, 'alerts_test.yml'), 'utf8');
    const alerts = groups.flatMap(({ rules }) => rules).filter((rule) => rule.alert !== undefined);
    expect(alerts.length).toBeGreaterThan(0);
    for (const { alert, labels, annotations } of alerts) {
      expect(tests, alert).toContain(`alertname="${alert}"`);
      expect(['page', 'ticket'], alert).toContain(labels?.severity);
      expect(annotations?.summary, alert).toBeTruthy();
      expect(annotations?.action, alert).toBeTruthy();
    }
  });
});
