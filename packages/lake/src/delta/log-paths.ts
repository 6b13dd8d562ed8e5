/** Names within `_delta_log/` (Delta protocol, "File Types"): versions are 20 digits, so keys sort as versions do. */

export interface CheckpointName {
  version: number;
  part: number;
  parts: number;
}

export function logPrefix(root: string): string {
  return `${root}/_delta_log/`;
}

/** Also the key just before every file of that version. */
export function versionPrefix(root: string, version: number): string {
  return `${logPrefix(root)}${String(version).padStart(20, '0')}`;
}

export function commitKey(root: string, version: number): string {
  return `${versionPrefix(root, version)}.json`;
}

export function checkpointKey(root: string, version: number): string {
  return `${versionPrefix(root, version)}.checkpoint.parquet`;
}

export function lastCheckpointKey(root: string): string {
  return `${logPrefix(root)}_last_checkpoint`;
}

/** The version of a commit's file name, or undefined for any other file. */
export function commitVersion(root: string, key: string): number | undefined {
  const match = /^(\d{20})\.json$/.exec(key.slice(logPrefix(root).length));
  return match ? Number(match[1]) : undefined;
}

/** The version at the beginning of a log file's name; undefined for other files. */
export function loggedVersion(root: string, key: string): number | undefined {
  const match = /^(\d{20})\./.exec(key.slice(logPrefix(root).length));
  return match ? Number(match[1]) : undefined;
}

/** Parses names of single-file and multi-part V1 checkpoints. V2 checkpoints need a table feature that is not supported. */
export function checkpointName(root: string, key: string): CheckpointName | undefined {
  const match = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/.exec(
    key.slice(logPrefix(root).length),
  );
  if (!match) return undefined;
  return { version: Number(match[1]), part: Number(match[2] ?? 1), parts: Number(match[3] ?? 1) };
}
