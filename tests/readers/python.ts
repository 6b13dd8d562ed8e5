import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WindrowError } from '@windrow/runtime';

const run = promisify(execFile);

/**
 * The Python that has the readers which others wrote: delta-rs, pyarrow, DuckDB. `npm run setup -- --readers` makes it.
 * @throws WindrowError STACK_PREREQUISITE_MISSING when it isn't there
 */
export function readersPython(): string {
  const python = fileURLToPath(new URL('../../.windrow/parts/readers/bin/python', import.meta.url));
  if (!existsSync(python)) {
    throw new WindrowError(
      'STACK_PREREQUISITE_MISSING',
      `the readers' Python is not at ${python}: run npm run setup -- --readers`,
    );
  }
  return python;
}

/**
 * Runs a script of this folder and parses the JSON that it prints.
 * @throws WindrowError FILE_UNREADABLE with the end of what the script wrote to its stderr
 */
export async function runReader(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  try {
    const { stdout } = await run(readersPython(), [path, ...args], {
      env: { ...process.env, ...env },
      maxBuffer: 2 ** 30,
    });
    return JSON.parse(stdout);
  } catch (cause) {
    if (cause instanceof WindrowError) throw cause;
    const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause);
    throw new WindrowError('FILE_UNREADABLE', `${script} failed: ${stderr.trim().slice(-2_000)}`, { cause });
  }
}
