import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { WindrowError } from '@windrow/runtime';
import { endLeftovers } from './leftovers.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';
import { readJson, type StackPaths, type StackRecord } from './state.ts';

/**
 * Makes this process the owner of a state directory; two starts at the same time can't both succeed. What a former owner
 * that crashed has left behind is ended first. Throws STACK_PART_FAILED when a living process owns it.
 */
export async function claimStateDir(
  paths: StackPaths,
  kind: StackRecord['owner']['kind'],
  log: (line: string) => void,
): Promise<StackRecord> {
  const self = identify(process.pid) as ProcessIdentity;
  const record: StackRecord = { owner: { ...self, kind }, state: 'starting', parts: [] };
  const draft = `${paths.record}.${process.pid}.claim`;
  writeFileSync(draft, JSON.stringify(record));
  try {
    for (;;) {
      const former = readJson<StackRecord>(paths.record);
      if (former && isAlive(former.owner)) {
        throw new WindrowError(
          'STACK_PART_FAILED',
          `a stack of ${paths.stateDir} is ${former.state} already (process ${former.owner.pid}): stop it first`,
        );
      }
      const ended = await endLeftovers(paths, former);
      if (ended > 0) log(`ended ${ended} processes that a former stack had left behind`);
      if (former) rmSync(paths.record, { force: true });
      try {
        // Unlike a rename, a link fails when the name is taken.
        linkSync(draft, paths.record);
        return record;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } finally {
    rmSync(draft, { force: true });
  }
}
