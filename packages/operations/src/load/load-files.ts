import { type AvroRegistry, deadLetterTopic, type StreamContract } from '@windrow/contracts';
import { assertTopicsExist, type Broker, DeadLetterEncoder, GroupCommit, Intake } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import { FileLoad, type FileResult } from './file-load.ts';
import type { LoadFile } from './load-file.ts';
import { LoadMemory } from './load-memory.ts';
import type { CheckOptions } from './record-check.ts';
import { Rejects } from './rejects.ts';

export interface LoadOptions {
  stream: StreamContract;
  /** Loaded one group after the other; within a group, `concurrency` files at once. */
  groups: readonly (readonly LoadFile[])[];
  /** 1 to 16. Each file needs at least 1 MB for records that Kafka has not acknowledged. */
  concurrency: number;
  /** Also loads what has been loaded before. */
  again?: boolean;
  reading?: CheckOptions;
  /** File that keeps the rejected rows of this load, one JSON object a line. It is replaced. */
  rejectsPath?: string | undefined;
  /** Told the first rejected rows while the load runs. */
  note?: (line: string) => void;
  broker: Broker;
  registry: AvroRegistry;
  /** Called while files are read, and when one ends. */
  onProgress?: (progress: LoadProgress) => void;
  /** Stops reading. Events that were read are still sent, and the result has the position. */
  signal?: AbortSignal;
}

/** Totals of all files. */
export interface LoadProgress {
  /** Files that ended, successfully or not, and files that had been loaded before. */
  filesDone: number;
  files: number;
  /** Bytes as stored, without files that had been loaded before. */
  bytesRead: number;
  /** Undefined if the size of a file is unknown. */
  totalBytes: number | undefined;
  /** By this load. */
  read: number;
  sent: number;
  rejected: number;
}

export interface LoadResult {
  stream: string;
  /** By this load. */
  read: number;
  sent: number;
  rejected: number;
  bytes: number;
  seconds: number;
  /** All files, including `alreadyLoaded`. */
  files: number;
  /** Files that were skipped because they had been loaded before. */
  alreadyLoaded: number;
  /** Stopped by the signal. */
  interrupted: boolean;
  /** The files that were started. */
  perFile: FileResult[];
}

/** Chunks of about 1 MB, shared by the files that are loaded at once. */
const maxPendingChunks = 16;

/**
 * Sends the events of files to the stream's raw topic, each file in order. An event that cannot be parsed or typed, or
 * that breaks a rule of the stream, becomes a dead letter that names file and line. The same file gives the same ids, so it can be loaded again after any failure. A file
 * that cannot be read does not stop the others; `perFile` has the reason.
 * @throws WindrowError TOPIC_MISSING, SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE, KAFKA_UNAVAILABLE, S3_FAILED if S3 is unavailable
 */
export async function loadFiles(options: LoadOptions): Promise<LoadResult> {
  const { stream, groups, broker, registry, signal, reading, rejectsPath, note = () => undefined } = options;
  const startedMs = performance.now();
  await assertTopicsExist(broker, [stream.topics.raw.name, deadLetterTopic.name]);
  const intake = await Intake.open(stream, registry);
  const deadLetterEncoder = await DeadLetterEncoder.open(registry);
  const rejects = await Rejects.open(rejectsPath, note);
  const commit = new GroupCommit(broker);
  const files = groups.flat();
  let memory: LoadMemory | undefined;
  try {
    if (files.some(({ remembered }) => remembered)) {
      memory = await LoadMemory.open({
        broker,
        registry,
        commit,
        stream: stream.name,
        files,
        path: reading?.path,
      });
    }
    const load = new Load(options, { intake, deadLetterEncoder, commit, memory, rejects });
    await load.run();
    const { result } = load;
    return {
      ...result,
      seconds: (performance.now() - startedMs) / 1_000,
      interrupted: signal?.aborted ?? false,
    };
  } finally {
    await memory?.close();
    await commit.close();
    await rejects.close();
  }
}

interface LoadParts {
  intake: Intake;
  deadLetterEncoder: DeadLetterEncoder;
  commit: GroupCommit;
  memory: LoadMemory | undefined;
  rejects: Rejects;
}

class Load {
  readonly result: Omit<LoadResult, 'seconds' | 'interrupted'>;
  readonly #options: LoadOptions;
  readonly #parts: LoadParts;
  /** Without files that had been loaded before. */
  readonly #groups: LoadFile[][];
  /** Aborted when Kafka or S3 is unavailable; it stops the other files. */
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;
  #totalBytes: number | undefined = 0;
  #filesDone = 0;

  constructor(options: LoadOptions, parts: LoadParts) {
    const { stream, groups, signal } = options;
    this.#options = options;
    this.#parts = parts;
    this.#signal = signal ? AbortSignal.any([signal, this.#failure.signal]) : this.#failure.signal;
    const counts = { read: 0, sent: 0, rejected: 0, bytes: 0, alreadyLoaded: 0 };
    this.result = { stream: stream.name, ...counts, files: groups.flat().length, perFile: [] };
    this.#groups = groups.map((group) => group.filter((file) => !this.#passesOver(file)));
    for (const { sizeBytes } of this.#groups.flat()) this.#extendTotal(sizeBytes);
  }

  async run(): Promise<void> {
    const { memory } = this.#parts;
    for (const group of this.#groups) {
      if (this.#signal.aborted) break;
      // A file may be in two groups: the second one must see the progress of the first.
      await memory?.catchUp();
      const files = group.values();
      const worker = async () => {
        for (const file of files) {
          if (this.#signal.aborted) return;
          await this.#load(file);
        }
      };
      const workers = Array.from({ length: Math.min(this.#options.concurrency, group.length) }, () =>
        worker().catch((error: unknown) => this.#fail(error)),
      );
      await Promise.all(workers);
      this.#failure.signal.throwIfAborted();
    }
  }

  /** Stops the other files. If S3 is unavailable, the events read so far are still sent; if Kafka is, they cannot be. */
  async #fail(error: unknown): Promise<void> {
    this.#failure.abort(error);
    if (!(error instanceof WindrowError && error.code === 'S3_FAILED')) await this.#parts.commit.close();
  }

  /** Checks the progress again, because another process may have loaded the file meanwhile. */
  async #load(file: LoadFile): Promise<void> {
    if (this.#passesOver(file)) {
      this.#extendTotal(-(file.sizeBytes ?? 0));
      this.#tell();
      return;
    }
    const { again, concurrency, reading = {} } = this.#options;
    const told = { read: 0, sent: 0, rejected: 0, bytes: 0 };
    const onProgress = (of: FileResult) => {
      for (const name of ['read', 'sent', 'rejected', 'bytes'] as const) {
        this.result[name] += of[name] - told[name];
        told[name] = of[name];
      }
      this.#tell();
    };
    const load = new FileLoad({
      ...{ ...this.#parts, file, reading, onProgress, signal: this.#signal },
      soFar: again ? undefined : this.#parts.memory?.recall(file),
      maxPendingChunks: Math.min(4, Math.floor(maxPendingChunks / concurrency)),
    });
    this.result.perFile.push(load.result);
    await load.run();
    this.#filesDone += 1;
    this.#tell();
  }

  #passesOver(file: LoadFile): boolean {
    if (this.#options.again || !this.#parts.memory?.recall(file)?.done) return false;
    this.result.alreadyLoaded += 1;
    this.#filesDone += 1;
    return true;
  }

  #extendTotal(bytes: number | undefined): void {
    this.#totalBytes =
      bytes === undefined || this.#totalBytes === undefined ? undefined : this.#totalBytes + bytes;
  }

  #tell(): void {
    const { files, bytes: bytesRead, read, sent, rejected } = this.result;
    const counts = { filesDone: this.#filesDone, files, bytesRead, totalBytes: this.#totalBytes };
    this.#options.onProgress?.({ ...counts, read, sent, rejected });
  }
}
