import { armFailpoint, WindrowError } from '@windrow/runtime';
import type { CommandContext } from './context.ts';
import { otherEndpoints, stateDirOf } from './environment.ts';
import { describeFailure, exitCodeOf, isUnreachable } from './failure.ts';
import { createProgram } from './program.ts';

// Ctrl-C reaches every process of the terminal's group, and npm and the launcher pass it on besides: signals this close
// together are one wish to stop.
const sameWishMs = 1_000;

function interruption(note: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      firstMs = performance.now();
      note(`windrow: stopping (${signal}); again to stop at once`);
      controller.abort(new WindrowError('STOPPED', `stopped by ${signal}`));
    } else if (performance.now() - firstMs > sameWishMs) {
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return controller.signal;
}

function write(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`${line}\n`);
}

// `windrow … | head` closes the pipe when it has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(1);
  throw error;
});

// Warnings of the runtime (kafkajs asks for timers of negative length) are no business of whoever uses the command.
const debug = /^(debug|trace)$/.test(process.env.LOG_LEVEL ?? '');
if (!debug) process.removeAllListeners('warning');

const note = (line: string) => write(process.stderr, line);
const signal = interruption(note);

async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // On a terminal that is read line by line, Ctrl-C is no signal to the process.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return await Promise.race([terminal.question(question, { signal }), ended]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    terminal.close();
  }
}

const context: CommandContext = {
  env: process.env,
  stateDir: stateDirOf(process.env),
  signal,
  print: (line) => write(process.stdout, line),
  note,
  interactive: process.stderr.isTTY === true,
  ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
};

let exitCode: number = 0;
try {
  armFailpoint();
  const program = createProgram(context);
  if (process.argv.length <= 2) program.help({ error: true });
  await program.parseAsync();
} catch (error) {
  const text = describeFailure(error, { debug });
  if (text !== undefined) note(`windrow: ${text}`);
  const other = isUnreachable(error) ? otherEndpoints(context.env, context.stateDir) : undefined;
  if (other !== undefined) note(`windrow: ${other}`);
  exitCode = exitCodeOf(error);
}
// Clients keep idle connections for a while; nothing is waited for any more but the output.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))),
);
process.exit(exitCode || process.exitCode);
