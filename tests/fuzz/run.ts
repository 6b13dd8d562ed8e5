import { Command, InvalidArgumentError } from 'commander';
import { fuzz } from './fuzz.ts';
import { report } from './report.ts';

// `npm run fuzz`. Exit codes: 0 everything that was sent is accounted for and every process is alive; 1 otherwise.

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('it is not a whole number');
  return value;
}

const options = new Command('npm run fuzz --')
  .description('send mutated HTTP requests and Kafka records, and prove that each is accounted for')
  .option('--requests <count>', 'mutated HTTP requests', wholeNumber, 200_000)
  .option('--records <count>', 'mutated Kafka records', wholeNumber, 200_000)
  .option('--streams <count>', 'streams with random schemas', wholeNumber, 12)
  .option('--seed <seed>', 'the same seed sends the same (default: any)', wholeNumber)
  .parse()
  .opts<{ requests: number; records: number; streams: number; seed?: number }>();

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
process.once('SIGTERM', () => interrupted.abort(new Error('interrupted')));

const seed = options.seed ?? Math.floor(Math.random() * 1_000_000);
try {
  const { requests, records, streams } = options;
  const result = await fuzz({
    seed,
    requests,
    records,
    streams,
    log: console.error,
    signal: interrupted.signal,
  });
  console.log(report(seed, result));
  process.exitCode = result.findings.length === 0 ? 0 : 1;
} catch (error) {
  console.error(interrupted.signal.aborted ? 'interrupted; everything is stopped' : error);
  process.exitCode = 1;
}
