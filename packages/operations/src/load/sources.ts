import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { S3ObjectEntry, S3ObjectStore } from '@windrow/lake';
import { WindrowError } from '@windrow/runtime';
import { type DateRange, withinDates } from './date-partition.ts';
import type { LoadFile } from './load-file.ts';
import { filesBelow, isHidden } from './local-directory.ts';
import { foundFile, namedFiles } from './local-file.ts';
import { foundS3File, openBucket, type S3Address, s3Address, s3File } from './s3-files.ts';

export interface Sources {
  /** A group for each argument, in their order. */
  groups: LoadFile[][];
  /** Lines about what was left out of directories and prefixes. */
  notes: string[];
  close(): void;
}

const readable = /\.(?:(?:json|jsonl|ndjson|geojson|csv|tsv)(?:\.gz|\.zst)?|parquet|avro)$/i;

/**
 * What the arguments of `windrow load` mean: files, `-`, directories, objects and prefixes of S3.
 * Errors: FILE_UNREADABLE with all files that can't be read, USAGE, CONFIG_INVALID, S3_FAILED; the signal's reason
 */
export async function openSources(
  args: readonly string[],
  dates: DateRange,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Sources> {
  const stores = new Map<string, S3ObjectStore>();
  const close = () => {
    for (const store of stores.values()) store.close();
  };
  const bucketOf = ({ bucket }: S3Address) => {
    const store = stores.get(bucket) ?? openBucket(bucket, env);
    stores.set(bucket, store);
    return store;
  };
  const notes: string[] = [];
  try {
    const kinds = await Promise.all(args.map(kindOf));
    const named = args.filter((_, index) => kinds[index] === 'file');
    if (named.length > 0) refuseDates(dates, named[0] as string);
    const files = (await namedFiles(named)).values();
    const groups: LoadFile[][] = [];
    for (const [index, arg] of args.entries()) {
      const address = s3Address(arg);
      if (address) groups.push(await s3Group(bucketOf(address), address, { arg, dates, notes, signal }));
      else if (kinds[index] === 'directory') groups.push(await directoryGroup({ arg, dates, notes, signal }));
      else groups.push([files.next().value as LoadFile]);
    }
    return { groups, notes, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function kindOf(arg: string): Promise<'file' | 'directory' | 's3'> {
  if (s3Address(arg)) return 's3';
  const found = arg === '-' ? undefined : await stat(arg).catch(() => undefined);
  return found?.isDirectory() ? 'directory' : 'file';
}

function refuseDates({ from, to }: DateRange, file: string): void {
  if (from === undefined && to === undefined) return;
  const message = `--from and --to choose from directories and prefixes; ${file} is a file`;
  throw new WindrowError('USAGE', message);
}

interface Argument {
  arg: string;
  dates: DateRange;
  notes: string[];
  signal: AbortSignal;
}

async function directoryGroup(argument: Argument): Promise<LoadFile[]> {
  const { arg, signal } = argument;
  const byPath = new Map<string, LoadFile>();
  const faults: LoadFile[] = [];
  try {
    // However it was called, the memory knows it by one name.
    const root = await realpath(arg);
    for await (const found of filesBelow(root)) {
      signal.throwIfAborted();
      const name = path.join(arg, found.path);
      if ('fault' in found) faults.push(unreadable(name, found.fault));
      else {
        const { href: url } = pathToFileURL(path.join(root, found.path));
        byPath.set(found.path, foundFile(name, url, found.stat));
      }
    }
  } catch (cause) {
    signal.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WindrowError('FILE_UNREADABLE', `nothing was sent; can't read ${arg}: ${reason}`, { cause });
  }
  return [...chosen(byPath, argument), ...faults];
}

async function s3Group(store: S3ObjectStore, { key }: S3Address, argument: Argument): Promise<LoadFile[]> {
  const object = key === '' || key.endsWith('/') ? undefined : await store.head(key);
  if (object) {
    refuseDates(argument.dates, argument.arg);
    return [s3File(store, object)];
  }
  // As a directory: `s3://bucket/track` has nothing of `s3://bucket/track-old/`.
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const byPath = new Map<string, LoadFile>();
  for await (const entry of store.list({ prefix })) {
    argument.signal.throwIfAborted();
    const below = entry.key.slice(prefix.length);
    if (isWanted(below, entry)) byPath.set(below, foundS3File(store, entry));
  }
  return chosen(byPath, argument);
}

function isWanted(below: string, { key }: S3ObjectEntry): boolean {
  return !key.endsWith('/') && !below.split('/').some(isHidden);
}

function chosen(byPath: Map<string, LoadFile>, { arg, dates, notes }: Argument): LoadFile[] {
  const paths = [...byPath.keys()];
  const inFormat = paths.filter((each) => readable.test(each));
  const other = paths.find((each) => !readable.test(each));
  const leftOut = paths.length - inFormat.length;
  const formats =
    '.json, .jsonl, .ndjson, .geojson, .csv, .tsv, .parquet or .avro, nor text with .gz or .zst';
  if (inFormat.length === 0) {
    const message = `nothing was sent: ${arg} has no file that is ${formats.replace('nor', 'or')}`;
    throw new WindrowError('FILE_UNREADABLE', message);
  }
  if (leftOut > 0) notes.push(`${arg}: ${leftOut} files left out that are not ${formats}, as ${other}`);
  const within = withinDates(inFormat, dates, arg);
  if (within.length === 0) notes.push(`${arg}: no file of these dates`);
  return within.map((each) => byPath.get(each) as LoadFile);
}

/** It fails when its turn comes, as one file among others. */
function unreadable(name: string, reason: string): LoadFile {
  const bytes = () => {
    throw new Error(reason);
  };
  return { name, sizeBytes: 0, bytes };
}
