// `npm run setup`: installs everything that the local stack and the tests need. This is plain JavaScript without packages,
// because it runs on the machine's own Node (20 or newer) before anything is installed. A second run finds everything done.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensurePrerequisites, updatePackageLists } from './setup/ensure-prerequisites.mjs';
import { CommandFailed } from './setup/run.mjs';
import { lanes, root } from './setup/steps.mjs';
import { mayInstall, thisSystem } from './setup/system-packages.mjs';

const usage = `npm run setup [-- OPTION…]
  --readers   also what the tests need: other readers of the lake (Spark among them, 540 MB), producers, a browser
  --help
Programs that are missing on this machine are installed when this runs as root on Debian or Ubuntu; elsewhere it
prints the command that installs them.`;

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

/** `absent`: an optional step that failed once; it is not tried again at every start. */
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
  const note = (line) => console.log(`  … ${line}`);
  const begunMs = performance.now();
  const took = () => `${((performance.now() - begunMs) / 1000).toFixed(1)} s`;
  try {
    await step.make({ logFile, note });
    if (!step.done()) throw new Error('the installation reported success, but its result is not there');
    writeFileSync(stampFile(step), fingerprint(step));
    console.log(`  ✔ ${step.title} (${took()})`);
  } catch (error) {
    if (step.optional) {
      writeFileSync(stampFile(step), 'absent');
      console.log(`  – ${step.title}: ${error.message}; ${step.optional}`);
      return;
    }
    console.error(`  ✘ ${step.title} (${took()}): ${error.message}`);
    if (error instanceof CommandFailed) console.error(`\n${error.logEnd}\n\nThe whole log: ${error.logFile}`);
    console.error(step.wayOut);
    throw error;
  }
}

const aptLog = path.join(stamps, 'apt.log');

async function setup(args) {
  const known = ['--readers', '--help'];
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
  if (!(await ensurePrerequisites({ forTests: withReaders, logFile: aptLog }))) return 1;
  if (todo.flat().length === 0) return 0;
  // Prometheus is downloaded as a package of the system.
  if (todo.flat().some((step) => step.optional) && mayInstall(thisSystem())) {
    await updatePackageLists(aptLog).catch((error) => console.error(`  ✘ ${error.message}`));
  }
  const begunMs = performance.now();
  const results = await Promise.allSettled(
    todo.map(async (lane) => {
      for (const step of lane) await perform(step);
    }),
  );
  if (results.some(({ status }) => status === 'rejected')) {
    console.error(
      '\nSet-up is not complete. The completed steps are kept; `npm run setup` continues with the rest.',
    );
    return 1;
  }
  console.log(`set up in ${((performance.now() - begunMs) / 1000).toFixed(0)} s`);
  return 0;
}

process.exitCode = await setup(process.argv.slice(2));
