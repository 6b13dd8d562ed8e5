import { failpoint } from '@windrow/runtime';
import type { Add } from '../delta/actions.ts';
import type { Host } from '../host.ts';
import type { ObjectStore } from '../object-store.ts';
import type { EncodedFile } from '../parquet/parquet-encoder.ts';
import { fileKey, type Intents } from './intents.ts';

/** A file that will be encoded just before its upload. */
export interface PlannedFile {
  readonly partitionValues: Readonly<Record<string, string | null>>;
  /** Begins the file's name, e.g. its window's start, so that names sort by time; letters, digits, `-`, `_` and `.`. */
  readonly namePrefix: string;
  encode(): Promise<EncodedFile>;
}

/** Files that are uploaded but not committed. */
export interface UploadedFiles {
  readonly intentKey: string | undefined;
  readonly adds: readonly Add[];
}

/** The claim under which files are uploaded. */
export interface Uploader {
  /** Owner app id → epoch. */
  epochs: ReadonlyMap<string, number>;
  /** The log's current version: only later commits can contain the files. */
  sinceVersion: number;
  /** Whether the rows are new to the table. */
  dataChange: boolean;
}

const uploadsAtOnce = 4;

/** Uploads data files before their commit. An intent lists each file before it is uploaded. */
export class Uploads {
  readonly #store: ObjectStore;
  readonly #root: string;
  readonly #intents: Intents;
  readonly #host: Host;

  constructor(store: ObjectStore, root: string, intents: Intents, host: Host) {
    this.#store = store;
    this.#root = root;
    this.#intents = intents;
    this.#host = host;
  }

  /**
   * Writes the intent, then the files, several at once. When a file fails, the uploaded ones are deleted. The intent stays,
   * because a PUT without a response may still be carried out.
   * @throws WindrowError S3_FAILED, ENCODE_FAILED
   */
  async upload(files: readonly PlannedFile[], by: Uploader): Promise<UploadedFiles> {
    if (files.length === 0) return { intentKey: undefined, adds: [] };
    const planned = files.map((file) => ({ file, path: filePath(file, this.#host.newId()) }));
    const paths = planned.map(({ path }) => path);
    const intentKey = await this.#intents.write({
      paths,
      owners: Object.fromEntries(by.epochs),
      sinceVersion: by.sinceVersion,
    });
    const adds: Add[] = [];
    let next = 0;
    const work = async () => {
      for (let index = next++; ; index = next++) {
        const each = planned[index];
        if (!each) return;
        try {
          adds[index] = await this.#uploadOne(each.file, each.path, by.dataChange);
        } catch (error) {
          next = files.length;
          throw error;
        }
        await failpoint('lake.upload.afterPut');
      }
    };
    const outcomes = await Promise.allSettled(Array.from({ length: uploadsAtOnce }, work));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) {
      await Promise.allSettled(paths.map((path) => this.#store.delete(fileKey(this.#root, path))));
      throw failed.reason;
    }
    return { intentKey, adds };
  }

  /** Deletes files that will never be committed, then their intent. If a delete fails, the intent stays, and a sweep repeats it. */
  async discard(upload: UploadedFiles): Promise<void> {
    const keys = upload.adds.map((add) => fileKey(this.#root, add.path));
    const outcomes = await Promise.allSettled(keys.map((key) => this.#store.delete(key)));
    if (outcomes.every((outcome) => outcome.status === 'fulfilled')) await this.forget(upload);
  }

  /** Deletes the intent. A failure does no harm: a sweep deletes it after a newer claim. */
  async forget({ intentKey }: UploadedFiles): Promise<void> {
    if (intentKey !== undefined) await this.#store.delete(intentKey).catch(() => undefined);
  }

  async #uploadOne(file: PlannedFile, path: string, dataChange: boolean): Promise<Add> {
    const encoded = await file.encode();
    const { bytes, stats } = encoded;
    const size = bytes.length;
    await this.#store.put(fileKey(this.#root, path), bytes);
    // Only after success: a failed PUT may still be sending the bytes.
    encoded.giveBack?.();
    return {
      path,
      partitionValues: { ...file.partitionValues },
      size,
      modificationTime: this.#host.nowMs(),
      dataChange,
      stats: JSON.stringify(stats),
    };
  }
}

/**
 * `add.path`: Hive-style folders of the partition values, percent-encoded there, and the whole percent-encoded again as a URI
 * (Delta protocol, "Add File and Remove File").
 */
function filePath(file: PlannedFile, id: string): string {
  const folders = Object.entries(file.partitionValues).map(
    ([name, value]) => `${name}=${value === null ? '__HIVE_DEFAULT_PARTITION__' : encodeURIComponent(value)}`,
  );
  return [...folders, `${file.namePrefix}-${id}.parquet`]
    .map((part) => part.replaceAll('%', '%25'))
    .join('/');
}
