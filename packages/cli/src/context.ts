import type { Command } from 'commander';

/** What a command has of the process it runs in. */
export interface CommandContext {
  env: NodeJS.ProcessEnv;
  /** The directory of the local stack and its services. */
  stateDir: string;
  /** Aborted by Ctrl-C or SIGTERM. */
  signal: AbortSignal;
  /** A line of the result, on standard output. */
  print(line: string): void;
  /** A line about how it goes, on standard error. */
  note(line: string): void;
  /** Standard error is a terminal: what is drawn there may be drawn over. */
  interactive: boolean;
  /** Where somebody can answer: puts a question on the terminal and gives the line that comes back. */
  ask?: (question: string) => Promise<string>;
}

/** Adds one command to the program. */
export type AddCommand = (program: Command, context: CommandContext) => void;

export function printJson({ print }: CommandContext, value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/**
 * For work in the background that this process only waits for: a supervisor whose starter is gone before all is ready stops
 * by itself. Fails with the signal's reason.
 */
export async function unlessInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, interrupted]);
}
