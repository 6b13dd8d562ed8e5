import { WindrowError } from '@windrow/runtime';
import type { ObjectStore } from '../object-store.ts';
import type { Action, Add, MetaData, Protocol, Remove, Txn } from './actions.ts';
import { type Replayed, replayLog } from './log-segment.ts';

/** A table's complete state with unabridged actions, for checkpoints and clean-up. */
export interface TableState extends Replayed {
  adds: Map<string, Add>;
  /** The tombstones that are still in the log. */
  removes: Map<string, Remove>;
  txns: Map<string, Txn>;
  protocol: Protocol | undefined;
  metaData: MetaData | undefined;
}

/**
 * Reads the state at the latest version. A path is either live or removed: the later action counts.
 * @throws WindrowError LAKE_LOG_INVALID when there is no log; S3_FAILED
 */
export async function readTableState(store: ObjectStore, root: string): Promise<TableState> {
  const state = await replayed(store, root);
  if (!state) throw new WindrowError('LAKE_LOG_INVALID', `the log of ${store.url(root)} no longer exists`);
  return state;
}

/**
 * Reads the state at one version.
 * @returns undefined when the log doesn't have the version, or no longer
 * @throws WindrowError LAKE_LOG_INVALID, S3_FAILED
 */
export function readTableStateAt(
  store: ObjectStore,
  root: string,
  version: number,
): Promise<TableState | undefined> {
  return replayed(store, root, version);
}

async function replayed(store: ObjectStore, root: string, version?: number): Promise<TableState | undefined> {
  const adds = new Map<string, Add>();
  const removes = new Map<string, Remove>();
  const txns = new Map<string, Txn>();
  let protocol: Protocol | undefined;
  let metaData: MetaData | undefined;
  const kinds = ['txn', 'add', 'remove', 'metaData', 'protocol'] as const;
  const onAction = (action: Action) => {
    if (action.remove) {
      adds.delete(action.remove.path);
      removes.set(action.remove.path, action.remove);
    }
    if (action.add) {
      adds.set(action.add.path, action.add);
      removes.delete(action.add.path);
    }
    if (action.txn) txns.set(action.txn.appId, action.txn);
    protocol = action.protocol ?? protocol;
    metaData = action.metaData ?? metaData;
  };
  const end = await replayLog(store, root, kinds, onAction, version);
  return end && { ...end, adds, removes, txns, protocol, metaData };
}
