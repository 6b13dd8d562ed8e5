import { WindrowError } from '@windrow/runtime';

/** The actions of the Delta transaction log that Windrow reads and writes (Delta protocol, "Actions"). */
export interface Protocol {
  minReaderVersion: number;
  minWriterVersion: number;
  readerFeatures?: string[];
  writerFeatures?: string[];
}

export interface MetaData {
  id: string;
  name?: string;
  description?: string;
  format: { provider: string; options: Record<string, string> };
  /** The table's schema as JSON text. */
  schemaString: string;
  partitionColumns: string[];
  configuration: Record<string, string>;
  createdTime?: number;
}

export interface Add {
  /** Relative to the table's root, percent-encoded as in a URI. */
  path: string;
  partitionValues: Record<string, string | null>;
  /** Bytes. */
  size: number;
  /** Epoch milliseconds. */
  modificationTime: number;
  /** Whether the table's content changes; false for compaction. */
  dataChange: boolean;
  /** Per-file statistics as JSON text. */
  stats?: string;
  tags?: Record<string, string | null>;
}

export interface Remove {
  path: string;
  deletionTimestamp?: number;
  dataChange: boolean;
  extendedFileMetadata?: boolean;
  partitionValues?: Record<string, string | null>;
  size?: number;
}

/** A writer's own progress: the latest `version` of an `appId` is part of the table's state. */
export interface Txn {
  appId: string;
  version: number;
  lastUpdated?: number;
}

/** Information about a commit. It is not part of the table's state. */
export interface CommitInfo {
  timestamp?: number;
  operation?: string;
  engineInfo?: string;
  /** Unique for each commit, so that a writer recognizes its own. */
  txnId?: string;
  [more: string]: unknown;
}

/** One line of a commit. Each has one key. Windrow ignores actions of unknown kinds. */
export interface Action {
  protocol?: Protocol;
  metaData?: MetaData;
  add?: Add;
  remove?: Remove;
  txn?: Txn;
  commitInfo?: CommitInfo;
}

/** @throws WindrowError LAKE_LOG_INVALID naming the commit and the line */
export function parseCommit(bytes: Uint8Array, source: string): Action[] {
  const actions: Action[] = [];
  for (const [index, line] of new TextDecoder().decode(bytes).split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      actions.push(JSON.parse(line) as Action);
    } catch (cause) {
      throw new WindrowError('LAKE_LOG_INVALID', `line ${index + 1} of ${source} is not JSON`, { cause });
    }
  }
  return actions;
}

export function serializeCommit(actions: readonly Action[]): Uint8Array {
  return new TextEncoder().encode(`${actions.map((action) => JSON.stringify(action)).join('\n')}\n`);
}
