import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTestBucket } from '@windrow/lake/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Installation } from '../end-to-end/installation.ts';
import { runReader } from '../readers/python.ts';
import { type Block, blocksOf, pages, root } from './blocks.ts';
import { isMarked, notRun, rejected, substitutions } from './exceptions.ts';
import { writeSampleFiles } from './sample-files.ts';
import { Shell } from './shell.ts';

// A block has several commands, and a machine may be busy.
vi.setConfig({ testTimeout: 300_000 });

let windrow: Installation;
let shell: Shell;
let directory: string;
let values: Record<string, string>;

beforeAll(async () => {
  windrow = await Installation.start();
  directory = mkdtempSync(path.join(tmpdir(), 'windrow-guides-'));
  symlinkSync(windrow.stateDir, path.join(directory, '.windrow'));
  const bucket = await createTestBucket(windrow.endpoints);
  await writeSampleFiles(directory, bucket.store);
  values = {
    EXPORTS_BUCKET: bucket.options.bucket,
    S3_HOST: new URL(windrow.endpoints.S3_ENDPOINT ?? '').host,
    KEY_ID: (
      JSON.parse(await windrow.windrow('keys', 'add', '--source', 'guides', '--json')) as { id: string }
    ).id,
  };
  bucket.store.close();
  shell = new Shell(directory, { WINDROW_STATE_DIR: windrow.stateDir, ...values });
});

afterAll(async () => {
  await windrow?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

const shownIn = (block: Block) => {
  const text = substitutions.reduce((before, { from, to }) => before.replaceAll(from, to), block.text);
  return text.replaceAll(/\$(EXPORTS_BUCKET|S3_HOST|KEY_ID)/g, (_, name: string) => values[name] ?? '');
};

/** Runs a block in the way of its language; an error says what it printed. */
async function run(block: Block): Promise<void> {
  const text = shownIn(block);
  if (block.language === 'sh') {
    const { code, output } = await shell.run(block.page, text);
    if (rejected.some((mark) => isMarked(block, mark))) expect(code, output).toBe(22);
    else expect(code, output).toBe(0);
  } else if (block.language === 'python') {
    const before = blocksOf(block.page).filter(
      ({ language, line }) => language === 'python' && line < block.line,
    );
    const examples = [...before.filter((other) => reasonNotToRun(other) === undefined).map(shownIn), text];
    await runReader('run-example.py', ['True', ...examples.map(withoutOutput)], windrow.endpoints);
  } else if (text.startsWith('-- Postgres\n')) {
    const client = new pg.Client(windrow.endpoints.DATABASE_URL);
    await client.connect();
    try {
      const results = [await client.query(text)].flat();
      for (const { rows } of results) expect(rows).not.toEqual([]);
    } finally {
      await client.end();
    }
  } else {
    expect(text).toMatch(/^-- DuckDB\n/);
    expect(await runReader('read-lake.py', ['duckdb', '', text], windrow.endpoints)).not.toEqual([]);
  }
}

/** An example that prints would print into the JSON that is read here. */
const withoutOutput = (text: string) => text.replaceAll(/^print\(/gm, 'str(');

const reasonNotToRun = (block: Block) => notRun.find((mark) => isMarked(block, mark))?.reason;

const toRun = (page: string) => blocksOf(page).filter((block) => reasonNotToRun(block) === undefined);

describe.each(pages.filter((page) => toRun(page).length > 0))('%s', (page) => {
  test.each(toRun(page).map((block) => [block.line, block] as const))('the block in line %i', (_, block) =>
    run(block),
  );
});

test('the metrics of the running services are those of the reference', async () => {
  const reference = readFileSync(path.join(root, 'docs/reference/metrics.md'), 'utf8');
  const status = JSON.parse(await windrow.windrow('status', '--json')) as {
    services: { name: string; address: string }[];
  };
  for (const { name, address } of status.services) {
    const served = await (await fetch(`${address}/metrics`)).text();
    const section = reference.split(/^## /m).find((text) => text.startsWith(`${name}\n`)) ?? '';
    const names = (text: string, pattern: RegExp) =>
      [...text.matchAll(pattern)].map(([, metric]) => metric).sort();
    expect(names(section, /^\| `(windrow_\w+)`/gm)).toEqual(names(served, /^# TYPE (windrow_\w+) /gm));
  }
});

test('after all of it, each event is there once', async () => {
  await windrow.landed();
  expect(await windrow.windrow('audit', '--deep')).toContain('it adds up');
});
