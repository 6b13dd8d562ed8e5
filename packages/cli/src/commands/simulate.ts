import { WindrowError } from '@windrow/runtime';
import { InvalidArgumentError } from 'commander';
import { cities } from '../cities.ts';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson } from '../context.ts';
import { installationEnvironment } from '../environment.ts';
import { producerAddress } from '../producer-address.ts';
import type { SimulationResult } from '../simulate/simulate.ts';
import type { Sink } from '../simulate/sink.ts';
import { count } from '../tables.ts';
import { time } from './arguments.ts';

interface Options {
  rate: number;
  minutes: number;
  users: number;
  cities: number;
  faults: number;
  seed: number;
  start?: number;
  to: string;
  url?: string;
  writeKey?: string;
  json?: true;
}

export const addSimulateCommand: AddCommand = (program, context) => {
  program
    .command('simulate')
    .description('simulate riders of rented scooters in real cities, and the weather there')
    .option('--rate <events>', 'events of riders per second', number(0.01, 1_000_000), 100)
    .option('--minutes <minutes>', 'duration', number(0.001, 100_000), 1)
    .option('--users <riders>', 'number of riders', integer(1, 10_000_000), 1_000)
    .option('--cities <cities>', 'number of cities', integer(1, cities.length), 10)
    .option('--faults <share>', 'share of the events that are late, sent twice or broken', number(0, 1), 0.03)
    .option('--seed <number>', 'seed of the random numbers', integer(-(2 ** 31), 2 ** 31 - 1), 1)
    .option(
      '--start <time>',
      'begin of the simulated time, for example 2026-06-01T12:00:00Z; default: now',
      time,
    )
    .option('--to <kafka|http>', 'send straight to Kafka or over HTTP', sinkName, 'kafka')
    .option('--url <url>', 'the producer for --to http; default: PRODUCER_URL')
    .option('--write-key <key>', 'the write key for --to http; prefer WINDROW_WRITE_KEY')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The same options with the same --start produce the same messages, byte for byte. A third of the faulty events each is late by
30 seconds to 5 minutes, is sent twice, or is broken and must become a dead letter. The weather of each city is observed
every 5 minutes.

Examples:
  $ npx windrow simulate --rate 200 --minutes 5
  $ npx windrow simulate --rate 50000 --users 200000 --cities 60 --faults 0.01
  $ npx windrow simulate --to http --rate 500 --minutes 1`,
    )
    .action((options: Options) => simulateAndPrint(context, options));
};

function number(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a number from ${low} to ${count(high)}.`);
  };
}

function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be an integer from ${low} to ${count(high)}.`);
  };
}

function sinkName(text: string): string {
  if (text === 'kafka' || text === 'http') return text;
  throw new InvalidArgumentError('It must be kafka or http.');
}

async function simulateAndPrint(context: CommandContext, options: Options): Promise<void> {
  const { simulate } = await import('../simulate/simulate.ts');
  const { progressDisplay } = await import('../simulate/progress.ts');
  const startMs = options.start ?? Math.floor(Date.now() / 1_000) * 1_000;
  const sink = await openSink(context, options);
  const display = progressDisplay(context);
  let result: SimulationResult;
  try {
    const { rate, minutes, users, seed, faults: faultShare } = options;
    result = await simulate(
      { rate, minutes, users, seed, faultShare, startMs, cities: cities.slice(0, options.cities) },
      { sink, signal: context.signal, onProgress: display.show },
    );
  } finally {
    display.end();
    await sink.close();
  }
  if (options.json) printJson(context, { start: new Date(startMs).toISOString(), ...result });
  else for (const line of describeSimulation(result, startMs)) context.print(line);
  if (result.interrupted) {
    const start = new Date(startMs).toISOString();
    throw new WindrowError(
      'STOPPED',
      `stopped before the end; with --start ${start} it makes the same again`,
    );
  }
}

async function openSink(context: CommandContext, options: Options): Promise<Sink> {
  if (options.to === 'http') {
    const { openHttpSink } = await import('../simulate/to-http.ts');
    return openHttpSink({
      ...producerAddress(options, context),
      signal: context.signal,
      onRetry: (reason) => context.note(`trying again: ${reason}`),
    });
  }
  const { openKafkaSink } = await import('../simulate/to-kafka.ts');
  return openKafkaSink(installationEnvironment(context.env, context.stateDir));
}

/** Describes the result for people. It counts only events that were acknowledged. */
export function describeSimulation(result: SimulationResult, startMs: number): string[] {
  const { events, totalEvents, observations, duplicates, late, broken, messages, seconds } = result;
  const rate = count(Math.round(messages / Math.max(seconds, 0.001)));
  const kinds = Object.entries(result.kinds).sort(([, a], [, b]) => b - a);
  const rejected = Object.entries(result.rejected).map(([reason, times]) => `${reason} ${count(times)}`);
  return [
    `${count(messages)} messages sent in ${seconds.toFixed(1)} s (${rate} a second), from ${new Date(startMs).toISOString()} on`,
    `track: ${count(events)} of ${count(totalEvents)} events, ${count(result.riders)} riders, ${count(result.sessions)} sessions`,
    ...kinds.map(([kind, times]) => `  ${kind}: ${count(times)}`),
    `faults: ${count(late)} late, ${count(duplicates)} sent twice, ${count(broken)} broken`,
    `weather: ${count(observations)} observations`,
    ...(rejected.length > 0 ? [`rejected: ${rejected.join(', ')}`] : []),
  ];
}
