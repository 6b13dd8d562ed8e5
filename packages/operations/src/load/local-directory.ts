import type { BigIntStats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** `path`: below the directory, with `/`. `fault`: why it can't be looked at. */
export type Found = { path: string; stat: BigIntStats } | { path: string; fault: string };

/**
 * All files below a directory, by name and depth first, without those hidden (`.`, `_`). Links are followed, but not in circles.
 * Fails where the directory itself can't be read.
 */
export async function* filesBelow(
  root: string,
  prefix = '',
  above: readonly string[] = [],
): AsyncGenerator<Found> {
  const directory = path.join(root, prefix);
  const ancestors = [...above, await realpath(directory)];
  const names = (await readdir(directory)).filter((name) => !isHidden(name)).sort();
  for (const name of names) {
    const below = prefix + name;
    const full = path.join(root, below);
    try {
      const found = await stat(full, { bigint: true });
      if (found.isFile()) yield { path: below, stat: found };
      else if (found.isDirectory() && !ancestors.includes(await realpath(full)))
        yield* filesBelow(root, `${below}/`, ancestors);
    } catch (error) {
      yield { path: below, fault: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** As markers, checkpoints and what is still being written are named: `_SUCCESS`, `_delta_log`, `.part.tmp`. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_');
}
