// `npm run setup`: brings everything that the local stack and the tests need. Plain JavaScript without packages, because
// it runs on whatever Node (20 or newer) is there, before anything is installed. A second run finds all done.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { explain, findMissing, hasApt } from './setup/prerequisites.mjs';
import { CommandFailed, run } from './setup/run.mjs';
import { lanes, root } from './setup/steps.mjs';

const usage = `npm run setup [-- OPTION…]
  --readers          also what the tests need: other readers of the lake (Spark among them, 540 MB), producers, a browser
  --install-missing  on Debian and Ubuntu, as root: install Java, Maven, Python and the browser where they are missing
  --help`;

const stamps = path.join(root, '.windrow/setup');

function fingerprint(step) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  for (const file of step.inputs) hash.update(readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

function stampFile(step) {
  return path.join(stamps, `${step.name}.stamp`);
}

function readStamp(step) {
  try {
    return readFileSync(stampFile(step), 'utf8');
  } catch {
    return undefined;
  }
}

/** `absent`: an optional thing that couldn't be had, and is not tried again at every start. */
function stateOf(step) {
  const stamp = readStamp(step);
  if (step.optional && stamp === 'absent' && !step.done()) return 'absent';
  if (!step.done()) return 'missing';
  return step.inputs.length === 0 || stamp === fingerprint(step) ? 'done' : 'missing';
}

async function perform(step) {
  const logFile = path.join(stamps, `${step.name}.log`);
  rmSync(logFile, { force: true });
  rmSync(stampFile(step), { force: true });
  writeFileSync(logFile, '');
  console.log(`  … ${step.title}`);
  const begunMs = performance.now();
  const took = () => `${((performance.now() - begunMs) / 1000).toFixed(1)} s`;
  try {
    await step.make({ logFile });
    if (!step.done()) throw new Error('it ended well, and yet what it makes is not there');
    writeFileSync(stampFile(step), fingerprint(step));
    console.log(`  ✔ ${step.title} (${took()})`);
  } catch (error) {
    if (step.optional) {
      writeFileSync(stampFile(step), 'absent');
      console.log(`  – ${step.title}: ${error.message}; ${step.optional}`);
      return;
    }
    console.error(`  ✘ ${step.title} (${took()}): ${error.message}`);
    if (error instanceof CommandFailed) console.error(`\n${error.logEnd}\n\nAll of it: ${error.logFile}`);
    console.error(step.wayOut);
    throw error;
  }
}

const aptLog = path.join(stamps, 'apt.log');

function mayInstallPackages() {
  return hasApt() && process.getuid?.() === 0;
}

async function installMissing(missing) {
  if (!mayInstallPackages()) {
    throw new Error('--install-missing works on Debian and Ubuntu, as root');
  }
  const packages = missing.flatMap((one) => one.apt);
  console.log(`  … apt-get install ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update'], { logFile: aptLog, env });
  await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { logFile: aptLog, env });
}

async function checkPrerequisites({ mayInstall, forTests }) {
  let missing = findMissing({ forTests });
  if (missing.length > 0 && mayInstall) {
    await installMissing(missing).catch((error) => {
      console.error(`  ✘ ${error.message}`);
      if (error instanceof CommandFailed) console.error(`\n${error.logEnd}\n`);
    });
    missing = findMissing({ forTests });
  }
  if (missing.length === 0) return true;
  console.error(`Missing on this machine:\n${explain(missing)}`);
  return false;
}

async function setup(args) {
  const known = ['--readers', '--install-missing', '--help'];
  const unknown = args.filter((arg) => !known.includes(arg));
  if (args.includes('--help') || unknown.length > 0) {
    (unknown.length > 0 ? console.error : console.log)(
      unknown.length > 0 ? `unknown: ${unknown.join(' ')}\n${usage}` : usage,
    );
    return unknown.length > 0 ? 2 : 0;
  }
  mkdirSync(stamps, { recursive: true });
  const withReaders = args.includes('--readers');
  const all = lanes({ withReaders });
  const absent = all.flat().filter((step) => stateOf(step) === 'absent');
  for (const step of absent) console.log(`  – without ${step.title}: ${step.optional}`);
  const todo = all.map((lane) => lane.filter((step) => stateOf(step) === 'missing'));
  const needed = { mayInstall: args.includes('--install-missing'), forTests: withReaders };
  if (!(await checkPrerequisites(needed))) return 1;
  if (todo.flat().length === 0) return 0;
  if (
    args.includes('--install-missing') &&
    mayInstallPackages() &&
    todo.flat().some((step) => step.optional)
  ) {
    // A fresh container knows no packages, and Prometheus is fetched as one.
    await run('apt-get', ['update'], { logFile: aptLog }).catch((error) =>
      console.error(`  ✘ ${error.message}`),
    );
  }
  const begunMs = performance.now();
  const results = await Promise.allSettled(
    todo.map(async (lane) => {
      for (const step of lane) await perform(step);
    }),
  );
  if (results.some(({ status }) => status === 'rejected')) {
    console.error('\nSet-up is not complete. What is done stays; run `npm run setup` again to go on.');
    return 1;
  }
  console.log(`set up in ${((performance.now() - begunMs) / 1000).toFixed(0)} s`);
  return 0;
}

process.exitCode = await setup(process.argv.slice(2));
