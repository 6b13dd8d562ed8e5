import { type AvroRegistry, deadLetterTopic, type StreamContract } from '@windrow/contracts';
import type { Broker, OutputRecord } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import { GroupCommit } from './group-commit.ts';
import { Intake, outputsOf, Refusals, type Rejection } from './intake.ts';
import type { Item } from './read/item.ts';
import { checkInputs, type Input, openInput } from './read/open-input.ts';
import { readItems } from './read/read-items.ts';

export interface LoadOptions {
  stream: StreamContract;
  /** Paths; `-` is the standard input. */
  files: readonly string[];
  broker: Broker;
  registry: AvroRegistry;
  /** Called as a file is read, and when it ends. */
  onProgress?: (progress: LoadProgress) => void;
  /** Stops reading; what has been read is still sent, and the result says how far it came. */
  signal?: AbortSignal;
}

export interface LoadProgress {
  file: string;
  /** Of the file as it is on disk, compressed where it is. */
  bytesRead: number;
  /** Undefined for the standard input. */
  totalBytes: number | undefined;
  /** Of all files so far. */
  read: number;
  sent: number;
  rejected: number;
}

export interface FileResult {
  file: string;
  /** Events found, good and bad. */
  read: number;
  /** Acknowledged by Kafka. */
  sent: number;
  /** Became dead letters, acknowledged too. */
  rejected: number;
  /** How many of them, by reason code. */
  reasons: Record<string, number>;
  /** Read of the file on disk. */
  bytes: number;
  /** False where the load was stopped before the file's end. */
  complete: boolean;
}

export interface LoadResult {
  stream: string;
  read: number;
  sent: number;
  rejected: number;
  bytes: number;
  seconds: number;
  /** Stopped by the signal. */
  interrupted: boolean;
  /** The files that were begun. */
  perFile: FileResult[];
}

/** Events that go to Kafka together, and how many such groups may wait for it while the file is read on. */
const chunkRecords = 1_000;
const chunkBytes = 900_000;
const maxPendingChunks = 4;

/**
 * Sends files' events to the stream's raw topic, in order; what can't be parsed or typed becomes a dead letter that names
 * file and line. The same file gives the same ids, so it may be loaded again after any failure.
 * Errors: FILE_UNREADABLE (before anything is sent, if a file can't be opened), TOPIC_MISSING,
 * SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE, KAFKA_UNAVAILABLE
 */
export async function loadFiles(options: LoadOptions): Promise<LoadResult> {
  const { stream, files, broker, registry, signal } = options;
  const startedMs = performance.now();
  await checkInputs(files);
  await checkTopics(broker, [stream.topics.raw.name, deadLetterTopic.name]);
  const intake = await Intake.open(stream, registry);
  const refusals = await Refusals.open(registry);
  const commit = new GroupCommit(broker);
  const perFile: FileResult[] = [];
  try {
    for (const file of files) {
      if (signal?.aborted) break;
      const result = { file, read: 0, sent: 0, rejected: 0, reasons: {}, bytes: 0, complete: false };
      perFile.push(result);
      await new FileLoad(options, { intake, refusals, commit, result, perFile }).run();
    }
  } finally {
    await commit.close();
  }
  return {
    stream: stream.name,
    ...totals(perFile),
    seconds: (performance.now() - startedMs) / 1_000,
    interrupted: signal?.aborted ?? false,
    perFile,
  };
}

async function checkTopics(broker: Broker, names: string[]): Promise<void> {
  const existing = (await broker.describeTopics(names)).map(({ name }) => name);
  const missing = names.filter((name) => !existing.includes(name));
  if (missing.length === 0) return;
  const message = `Kafka has no topic ${missing.join(', ')}; create the topics first.`;
  throw new WindrowError('TOPIC_MISSING', message);
}

function totals(perFile: FileResult[]) {
  const sum = (count: 'read' | 'sent' | 'rejected' | 'bytes') =>
    perFile.reduce((total, file) => total + file[count], 0);
  return { read: sum('read'), sent: sum('sent'), rejected: sum('rejected'), bytes: sum('bytes') };
}

interface Chunk {
  events: OutputRecord[];
  deadLetters: OutputRecord[];
  reasons: string[];
  bytes: number;
}

const emptyChunk = (): Chunk => ({ events: [], deadLetters: [], reasons: [], bytes: 0 });

/** The load of one file. */
class FileLoad {
  readonly #options: LoadOptions;
  readonly #intake: Intake;
  readonly #refusals: Refusals;
  readonly #commit: GroupCommit;
  readonly #result: FileResult;
  readonly #perFile: FileResult[];
  #chunk = emptyChunk();
  #pending: Promise<void>[] = [];

  constructor(
    options: LoadOptions,
    parts: {
      intake: Intake;
      refusals: Refusals;
      commit: GroupCommit;
      result: FileResult;
      perFile: FileResult[];
    },
  ) {
    this.#options = options;
    this.#intake = parts.intake;
    this.#refusals = parts.refusals;
    this.#commit = parts.commit;
    this.#result = parts.result;
    this.#perFile = parts.perFile;
  }

  async run(): Promise<void> {
    const { file } = this.#result;
    const { signal } = this.#options;
    const input = await openInput(file, signal);
    try {
      for await (const items of readItems(input)) {
        for (const item of items) await this.#take(item);
        this.#progress(input);
        if (signal?.aborted) break;
      }
      this.#result.complete = !signal?.aborted;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      await this.#flush();
      if (!signal?.aborted) throw this.#withHowFar(error);
    } finally {
      await Promise.allSettled(this.#pending);
    }
    await this.#flush();
    this.#progress(input);
  }

  async #take(item: Item): Promise<void> {
    this.#result.read += 1;
    const taken = item.ok ? this.#intake.take(item.value, { kind: 'file' }) : item;
    if (taken.ok) {
      this.#chunk.events.push(taken.output);
      this.#chunk.bytes += taken.output.value?.length ?? 0;
    } else this.#refuse(item, taken);
    const { events, deadLetters, bytes } = this.#chunk;
    if (events.length + deadLetters.length >= chunkRecords || bytes >= chunkBytes) await this.#send();
  }

  #refuse({ line, text }: Item, { reason, message }: Rejection): void {
    const { file } = this.#result;
    const place = { file, line: String(line) };
    const rejection = { reason, message: `${file}, line ${line}: ${message}` };
    const letter = this.#refusals.deadLetter('load', this.#intake.contract.name, rejection, text, place);
    this.#chunk.deadLetters.push(letter);
    this.#chunk.reasons.push(reason);
    this.#chunk.bytes += letter.value?.length ?? 0;
  }

  /** Hands the chunk over, and waits where too many are under way. */
  async #send(): Promise<void> {
    const { events, deadLetters, reasons } = this.#chunk;
    this.#chunk = emptyChunk();
    if (events.length + deadLetters.length === 0) return;
    const outputs = outputsOf(
      { topic: this.#intake.topic, records: events },
      { topic: this.#refusals.topic, records: deadLetters },
    );
    const sent = this.#commit.send(outputs).then(() => {
      this.#result.sent += events.length;
      this.#result.rejected += deadLetters.length;
      for (const reason of reasons) this.#result.reasons[reason] = (this.#result.reasons[reason] ?? 0) + 1;
    });
    // It is awaited in its turn; until then a failure must not count as unhandled.
    sent.catch(() => undefined);
    this.#pending.push(sent);
    if (this.#pending.length >= maxPendingChunks) await this.#pending.shift();
  }

  async #flush(): Promise<void> {
    await this.#send();
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
  }

  #progress(input: Input): void {
    this.#result.bytes = input.bytesRead();
    const { read, sent, rejected } = totals(this.#perFile);
    const { file, bytes } = this.#result;
    this.#options.onProgress?.({
      file,
      bytesRead: bytes,
      totalBytes: input.totalBytes,
      read,
      sent,
      rejected,
    });
  }

  #withHowFar(error: WindrowError): WindrowError {
    const { sent, rejected } = this.#result;
    const far = `${sent} events before that were sent, ${rejected} became dead letters.`;
    return new WindrowError(error.code, `${error.message} ${far}`, { cause: error });
  }
}

function isUnreadable(error: unknown): error is WindrowError {
  return error instanceof WindrowError && error.code === 'FILE_UNREADABLE';
}
