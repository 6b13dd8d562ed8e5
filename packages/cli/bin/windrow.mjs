#!/usr/bin/env node
// Starts the command under Node 24, whatever Node was asked to run this file. Plain JavaScript for old Nodes' sake.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const main = new URL('../src/main.ts', import.meta.url);
const node24 = `${root}node_modules/node/bin/node`;

if (!existsSync(`${root}node_modules/commander`)) {
  fail('its packages are not installed');
} else if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main.href);
} else if (existsSync(node24)) {
  passOnTo(spawn(node24, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' }));
} else {
  fail(`it needs Node 24, this is ${process.version}, and ${node24} is not there`);
}

function passOnTo(child) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${node24} does not start (${error.message})`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(reason) {
  process.stderr.write(`windrow: ${reason}: run "npm run setup" in ${root}\n`);
  process.exitCode = 1;
}
