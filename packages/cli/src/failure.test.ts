import { WindrowError } from '@windrow/runtime';
import { expect, test } from 'vitest';
import type { CommandContext } from './context.ts';
import { describeFailure, exitCodeOf } from './failure.ts';
import { createProgram } from './program.ts';

function run(...args: string[]) {
  const printed: string[] = [];
  const noted: string[] = [];
  const context: CommandContext = {
    env: {},
    stateDir: '/nowhere/windrow',
    signal: new AbortController().signal,
    print: (line) => printed.push(line),
    note: (line) => noted.push(line),
    interactive: false,
  };
  const program = createProgram(context);
  return program.parseAsync(args, { from: 'user' }).then(
    () => ({ exitCode: 0, printed, noted, said: undefined }),
    (error: unknown) => ({
      exitCode: exitCodeOf(error),
      printed,
      noted,
      said: describeFailure(error, { debug: false }),
    }),
  );
}

test.each([
  [['nope'], "unknown command 'nope'"],
  [['load', 'a.json'], "required option '--stream <name>' not specified"],
  [['load', '--stream', 'track'], "missing required argument 'source'"],
  [['wait', '--timeout', 'soon'], 'It must be a positive number'],
  [['audit', '--deeply'], "unknown option '--deeply'"],
  [['config', 'kafka'], 'It must be one of producer, enricher, lake-sink, postgres-sink'],
])('%j was used wrongly: exit 2, and why', async (args, reason) => {
  const { exitCode, noted, said } = await run(...args);
  expect(exitCode).toBe(2);
  expect(noted.join('\n')).toContain(reason);
  // Commander has said it: it isn't said again.
  expect(said).toBeUndefined();
});

const commands = [
  ['demo'],
  ['stack', 'up'],
  ['stack', 'down'],
  ['stack', 'status'],
  ['streams'],
  ['streams', 'apply'],
  ['config'],
  ['up'],
  ['down'],
  ['status'],
  ['keys', 'add'],
  ['keys', 'list'],
  ['keys', 'revoke'],
  ['load'],
  ['wait'],
  ['audit'],
];

test.each(commands.map((command) => [command]))(
  '%j --help explains itself with an example',
  async (command) => {
    const { exitCode, printed } = await run(...command, '--help');
    expect(exitCode).toBe(0);
    expect(printed.join('\n')).toMatch(/Examples?:\n {2}\$ .*npx windrow /);
  },
);

test.each([['wait'], ['audit'], ['up'], ['streams apply'], ['keys list'], ['load --stream track x.json']])(
  '%s without an installation says what to do',
  async (line) => {
    const { exitCode, said } = await run(...line.split(' '));
    expect(exitCode).toBe(2);
    expect(said).toMatch(/^USAGE: no stack runs in \/nowhere\/windrow, .*windrow stack up$/);
  },
);

test('a failure is one line with its code, and tells where it came from only when asked', () => {
  const cause = new Error('connection refused');
  const error = new WindrowError('KAFKA_UNAVAILABLE', 'Kafka did not answer', { cause });
  expect(exitCodeOf(error)).toBe(1);
  expect(describeFailure(error, { debug: false })).toBe('KAFKA_UNAVAILABLE: Kafka did not answer');
  const told = describeFailure(error, { debug: true });
  expect(told).toContain('failure.test.ts');
  expect(told).toContain('caused by: Error: connection refused');
});

test('an error that nobody foresaw is a failure too', () => {
  const error = new TypeError('x is not a function');
  expect(exitCodeOf(error)).toBe(1);
  expect(describeFailure(error, { debug: false })).toBe(
    'unexpected: x is not a function (LOG_LEVEL=debug tells more)',
  );
});
