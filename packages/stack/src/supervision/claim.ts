import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { WindrowError } from '@windrow/runtime';
import type { StackPaths } from '../state.ts';
import { endLeftovers } from './leftovers.ts';
import { identify, isAlive } from './process-identity.ts';
import {
  type GroupKind,
  type GroupRecord,
  type OwnerKind,
  readRecord,
  recordPath,
  recordVersion,
} from './record.ts';

/**
 * Makes this process the owner of a group in a state directory. Of two processes that start it at the same time, only one
 * succeeds. Processes that a crashed owner left behind are stopped first.
 * @throws WindrowError with the kind's `runningCode` if the owner is running
 */
export async function claimGroup<Name extends string>(
  kind: GroupKind,
  paths: StackPaths,
  { owner, log }: { owner: OwnerKind; log: (line: string) => void },
): Promise<GroupRecord<Name>> {
  const self = identify(process.pid);
  if (!self)
    throw new WindrowError(kind.errorCode, `no start time of this process (${process.pid}) is known`);
  const record: GroupRecord<Name> = {
    version: recordVersion,
    owner: { ...self, kind: owner },
    state: 'starting',
    processes: [],
  };
  const file = recordPath(kind, paths);
  const draft = `${file}.${process.pid}.claim`;
  writeFileSync(draft, JSON.stringify(record));
  try {
    for (;;) {
      const former = readRecord(kind, paths);
      if (former && isAlive(former.owner)) {
        throw new WindrowError(
          kind.runningCode,
          `cannot start the ${kind.name} of ${paths.stateDir}: already ${former.state} under process ${former.owner.pid}. Run ${kind.downCommand} first`,
        );
      }
      const ended = await endLeftovers(kind, paths, former);
      if (ended > 0) log(`stopped ${ended} processes that a crashed supervisor left behind`);
      if (former) rmSync(file, { force: true });
      try {
        // Unlike rename, link fails if the file exists.
        linkSync(draft, file);
        return record;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } finally {
    rmSync(draft, { force: true });
  }
}
