import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ObjectStore } from '@windrow/lake';
import { must } from '@windrow/runtime/testing';
import { readersPython } from '../../readers/python.ts';

export interface NativeWriting {
  rows: number;
  seconds: number;
  cpuSeconds: number;
  files: number;
  bytes: number;
  version: string;
}

/**
 * How fast others write the same rows and columns, file by file, when they have them in columns already: no Kafka, no Avro, no
 * S3. @throws WindrowError STACK_PREREQUISITE_MISSING without the readers' Python
 */
export async function nativeWritings(options: {
  store: ObjectStore;
  table: string;
  files: { path: string }[];
  dir: string;
}): Promise<Record<'pyarrow' | 'duckdb', NativeWriting>> {
  const { store, table, files, dir } = options;
  const python = readersPython();
  const copies = path.join(dir, 'native');
  mkdirSync(copies, { recursive: true });
  try {
    for (const [index, file] of files.entries())
      writeFileSync(path.join(copies, `${index}.parquet`), must(await store.get(`${table}/${file.path}`)));
    const script = path.join(import.meta.dirname, 'native.py');
    const { stdout } = await promisify(execFile)(python, [script, copies]);
    return JSON.parse(stdout) as Record<'pyarrow' | 'duckdb', NativeWriting>;
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
}
