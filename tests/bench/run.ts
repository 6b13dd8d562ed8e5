/**
 * `npm run bench`: all benchmarks at a small size, in less than five minutes, into docs/performance.md and .json.
 * `npm run bench -- NAME [--write] [arguments]`: one of them; with `--write` into its place in those files. Either leaves its
 * tables in `.windrow/bench/results.md` and `.json`. Figures depend on the machine: compare what one run printed.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { must } from '@windrow/runtime/testing';
import { services, startStack } from '@windrow/stack';
import type { BenchReport } from './bench-report.ts';
import { type Bench, benches } from './benches.ts';
import { type Result, renderResults, smallPlace, writePerformancePage } from './performance-page.ts';
import { reportVariable } from './report.ts';

const root = path.resolve(import.meta.dirname, '../..');
const runs = path.join(root, '.windrow/bench');

const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && benches[name] === undefined) {
  const lines = Object.entries(benches).map(([key, { what }]) => `  ${key.padEnd(10)}${what}`);
  const usage = 'npm run bench                              all of them, at a small size';
  const one = 'npm run bench -- NAME [--write] [arguments]';
  console.error(`${usage}\n${one}\n\n${lines.join('\n')}`);
  process.exit(2);
}

// kafkajs sets timers in the past, and Node would print warnings about it between the lines of progress.
const quiet = '--disable-warning=TimeoutNegativeWarning';
process.removeAllListeners('warning').on('warning', (warning) => {
  if (warning.name !== 'TimeoutNegativeWarning') console.error(warning);
});

let failed = false;
let interrupted = false;
const begunMs = performance.now();
const say = (line: string) =>
  console.error(`\n=== ${((performance.now() - begunMs) / 1000).toFixed(0)} s: ${line}`);

/** @returns undefined if the benchmark has measured nothing */
async function run(bench: Bench, args: string[], command: string): Promise<Result | undefined> {
  mkdirSync(runs, { recursive: true });
  const stateDir = mkdtempSync(path.join(runs, 'run-'));
  const reportFile = path.join(stateDir, 'report.json');
  const asksOnly = args.includes('--help');
  const stack =
    bench.parts.length > 0 && !asksOnly ? await startStack({ stateDir, parts: bench.parts }) : undefined;
  try {
    const service = services.find((each) => each.name === bench.service);
    const env = { ...service?.env, ...process.env, ...stack?.endpoints, [reportVariable]: reportFile };
    const child = spawn(process.execPath, [quiet, path.join(root, bench.script), ...args], {
      stdio: 'inherit',
      env,
    });
    const interrupt = (signal: NodeJS.Signals) => {
      interrupted = true;
      child.kill(signal);
    };
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    const code = await new Promise<number>((resolve) => child.on('close', (given) => resolve(given ?? 1)));
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    if (code !== 0) failed = true;
    if (asksOnly) return undefined;
    const report = readReport(reportFile);
    if (code !== 0) report?.notes.push(`It did not come to its end: exit code ${code}.`);
    return report && { command, report };
  } finally {
    await stack?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function readReport(file: string): BenchReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
  } catch {
    return undefined;
  }
}

function keep(results: Result[]): void {
  mkdirSync(runs, { recursive: true });
  writeFileSync(path.join(runs, 'results.md'), `${renderResults(results)}\n`);
  writeFileSync(path.join(runs, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
}

const results: Result[] = [];
if (name === undefined) {
  const all = Object.entries(benches);
  for (const [index, [each, bench]] of all.entries()) {
    if (interrupted) break;
    say(`${index + 1} of ${all.length}, ${each}: ${bench.what}`);
    const result = await run(bench, bench.small, ['npm run bench --', each, ...bench.small].join(' '));
    if (result) results.push(result);
    else {
      failed = true;
      say(`${each} has measured nothing`);
    }
  }
} else {
  const args = rest.filter((argument) => argument !== '--write');
  const result = await run(must(benches[name]), args, ['npm run bench --', name, ...args].join(' '));
  if (result) results.push(result);
}
if (results.length > 0) {
  keep(results);
  console.log(`\n${renderResults(results)}\n\n.windrow/bench/results.md and .json have the same.`);
  const docs = path.join(root, 'docs');
  const writes = name === undefined || rest.includes('--write');
  // Incomplete measurements must not be written to the page.
  if (writes && failed) console.error('docs/performance.md stays as it is: something failed.');
  else if (writes) {
    writePerformancePage(docs, name === undefined ? smallPlace : must(results[0]).report.table, results);
    // Formatted as the linter requires.
    execFileSync(path.join(root, 'node_modules/.bin/biome'), ['format', '--write', 'docs/performance.json'], {
      cwd: root,
      stdio: 'ignore',
    });
    console.log('docs/performance.md and .json have them now.');
  }
}
if (name === undefined) say('done');
process.exitCode = failed || interrupted ? 1 : 0;
