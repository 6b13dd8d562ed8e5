import { WindrowError } from '@windrow/runtime';
import type { ObjectStore } from '../object-store.ts';
import type { Action, MetaData, Protocol } from './actions.ts';
import { followFiles, type LiveFile } from './live-files.ts';
import { replayLog } from './log-segment.ts';
import { assertSupported } from './protocol.ts';

/** A table's state at one version. Without the files it is small, whatever the size of the table. */
export interface LogState {
  readonly version: number;
  readonly checkpointVersion: number;
  readonly protocol: Protocol;
  readonly metaData: MetaData;
  /** appId → its latest version. */
  readonly txns: Map<string, number>;
  /** By path; undefined when the log was opened without files. */
  readonly files: Map<string, LiveFile> | undefined;
}

/**
 * Reads the state at the latest version.
 * @returns undefined when there is no table
 * @throws WindrowError LAKE_LOG_INVALID, also for a table that requires an unsupported feature; S3_FAILED
 */
export async function readState(
  store: ObjectStore,
  root: string,
  withFiles: boolean,
): Promise<LogState | undefined> {
  const txns = new Map<string, number>();
  const files = withFiles ? new Map<string, LiveFile>() : undefined;
  let protocol: Protocol | undefined;
  let metaData: MetaData | undefined;
  const kinds = ['txn', 'metaData', 'protocol', ...(withFiles ? (['add', 'remove'] as const) : [])] as const;
  const replayed = await replayLog(store, root, kinds, (action) => {
    if (action.txn) txns.set(action.txn.appId, action.txn.version);
    if (files) followFiles(files, action);
    protocol = action.protocol ?? protocol;
    metaData = action.metaData ?? metaData;
  });
  if (!replayed) return undefined;
  if (!protocol || !metaData) {
    throw new WindrowError(
      'LAKE_LOG_INVALID',
      `the log of ${store.url(root)} has no protocol or no metaData`,
    );
  }
  assertSupported(protocol, metaData, store.url(root));
  return { ...replayed, protocol, metaData, txns, files };
}

/**
 * Applies a commit to the state. The maps are updated in place.
 * @throws WindrowError LAKE_LOG_INVALID when the commit makes the table require an unsupported feature; the state is then
 * unchanged
 */
export function afterCommit(
  state: LogState,
  version: number,
  actions: readonly Action[],
  table: string,
): LogState {
  const protocol = actions.findLast((action) => action.protocol)?.protocol ?? state.protocol;
  const metaData = actions.findLast((action) => action.metaData)?.metaData ?? state.metaData;
  assertSupported(protocol, metaData, table);
  for (const action of actions) {
    if (action.txn) state.txns.set(action.txn.appId, action.txn.version);
    if (state.files) followFiles(state.files, action);
  }
  return { ...state, version, protocol, metaData };
}
