import { Command, InvalidArgumentError } from 'commander';
import { hasPassed, runChaos } from './chaos.ts';
import { report } from './report.ts';

// `npm run chaos`. Exit codes: 0 nothing was lost or duplicated and everything recovered by itself; 1 otherwise; 2 wrong
// usage.

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('it is not a number above 0');
  return value;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('it is not a whole number');
  return value;
}

const program = new Command('npm run chaos --')
  .description(
    'run the whole pipeline under load, strike it with faults, and prove that every accepted event has landed once',
  )
  .option('--minutes <minutes>', 'for how long faults are made', positive, 3)
  .option('--seed <seed>', 'what is drawn: the same seed plans the same faults (default: any)', wholeNumber)
  .option('--keep-logs', 'keep the logs of all processes, also of a run that passes')
  .addHelpText(
    'after',
    `
Its own stack of Kafka, registry, S3 and Postgres is started on loopback, with two processes of each service, and gone
afterwards. Exit 1 on any loss or duplicate, or where something did not recover by itself.

Example:
  $ npm run chaos -- --minutes 60 --seed 7`,
  )
  .parse();
const options = program.opts<{ minutes: number; seed?: number; keepLogs?: true }>();

const interrupted = new AbortController();
const interrupt = () => {
  console.error('stopping; once more: at once');
  interrupted.abort(new Error('interrupted'));
};
process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

const begunMs = performance.now();
const log = (line: string) =>
  console.error(`${((performance.now() - begunMs) / 1000).toFixed(1).padStart(7)} ${line}`);
try {
  const result = await runChaos({
    seed: options.seed ?? Math.floor(Math.random() * 1_000_000),
    minutes: options.minutes,
    log,
    signal: interrupted.signal,
    keepLogs: options.keepLogs ?? false,
  });
  console.log(report(result));
  process.exitCode = hasPassed(result) ? 0 : 1;
} catch (error) {
  if (interrupted.signal.aborted) console.error('interrupted; everything is stopped');
  else console.error(error);
  process.exitCode = 1;
}
// A Kafka client may still try to reach the stopped broker.
process.exit();
