import { WindrowError } from '@windrow/runtime';
import { CommanderError } from 'commander';

/** 0 it worked, 1 it failed, 2 it was used wrongly. */
export type ExitCode = 0 | 1 | 2;

/** The exit code that an error means; commander throws also after it has printed a help text or a version. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof WindrowError)) return 1;
  return error.code === 'USAGE' || error.code === 'STREAM_UNKNOWN' || error.code === 'CONFIG_INVALID' ? 2 : 1;
}

/** Whether a part of the installation did not answer, perhaps because its address is wrong. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof WindrowError) || !error.retriable) return false;
  return ['KAFKA_UNAVAILABLE', 'REGISTRY_UNAVAILABLE', 'S3_FAILED', 'POSTGRES_FAILED'].includes(error.code);
}

/**
 * What a person is told of an error: its code and its message, which names the thing, the reason and the way out. With
 * `debug` also where it came from. Commander has printed its own errors already.
 */
export function describeFailure(error: unknown, { debug }: { debug: boolean }): string | undefined {
  if (error instanceof CommanderError) return undefined;
  const text =
    error instanceof WindrowError
      ? `${error.code}: ${error.message}`
      : `unexpected: ${error instanceof Error ? error.message : String(error)}${debug ? '' : ' (LOG_LEVEL=debug tells more)'}`;
  if (!debug) return text;
  return `${text}\n${traces(error).join('\ncaused by: ')}`;
}

function traces(error: unknown): string[] {
  if (!(error instanceof Error)) return error === undefined ? [] : [String(error)];
  return [error.stack ?? error.message, ...traces(error.cause)];
}
