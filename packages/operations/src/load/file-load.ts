import {
  type DeadLetterEncoder,
  type GroupCommit,
  type Intake,
  type OutputRecord,
  outputsOf,
  type Rejection,
} from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import type { LoadFile } from './load-file.ts';
import type { LoadedSoFar, LoadMemory } from './load-memory.ts';
import type { Item } from './read/item.ts';
import { openInput } from './read/open-input.ts';
import { readItems } from './read/read-items.ts';

export interface FileResult {
  file: string;
  /** Where it went on: so many of its events had been loaded before. */
  startedAt: number;
  /** Events found from there on, good and bad. */
  read: number;
  /** Acknowledged by Kafka. */
  sent: number;
  /** Became dead letters, acknowledged too. */
  rejected: number;
  /** How many of them, by reason code. */
  reasons: Record<string, number>;
  /** Read of the file as it is stored. */
  bytes: number;
  /** False where the load was stopped before the file's end, or failed. */
  complete: boolean;
  /** Why it could not be read to its end. */
  failure?: string;
}

export interface FileLoadOptions {
  file: LoadFile;
  intake: Intake;
  deadLetterEncoder: DeadLetterEncoder;
  commit: GroupCommit;
  memory: LoadMemory | undefined;
  /** What has been loaded of it already. */
  soFar: LoadedSoFar | undefined;
  /** Groups of events that may wait for Kafka while the file is read on. */
  maxPendingChunks: number;
  onProgress(result: FileResult): void;
  signal: AbortSignal;
}

/** Events that go to Kafka together. */
const chunkRecords = 1_000;
const chunkBytes = 900_000;
/** What a killed process has sent since is sent again; each time is a record that every later load reads. */
const rememberEveryRecords = 10_000;

interface Chunk {
  events: OutputRecord[];
  deadLetters: OutputRecord[];
  reasons: string[];
  bytes: number;
  /** Position in the file after its last event. */
  end: number;
  acknowledged: boolean;
}

const emptyChunk = (): Chunk => ({
  ...{ events: [], deadLetters: [], reasons: [], bytes: 0, end: 0, acknowledged: false },
});

/** The load of one file, in the file's order. */
export class FileLoad {
  readonly result: FileResult;
  readonly #options: FileLoadOptions;
  #chunk = emptyChunk();
  /** In the order of the file. */
  readonly #unacknowledged: Chunk[] = [];
  #pending: Promise<void>[] = [];
  /** Of the item that is read next. */
  #next = 0;
  /** Everything before it has been acknowledged. */
  #position: number;
  #rememberedPosition: number;
  #remembering: Promise<void> | undefined;

  constructor(options: FileLoadOptions) {
    this.#options = options;
    const startedAt = options.soFar?.position ?? 0;
    const { name: file } = options.file;
    this.result = { file, startedAt, read: 0, sent: 0, rejected: 0, reasons: {}, bytes: 0, complete: false };
    this.#position = startedAt;
    this.#rememberedPosition = startedAt;
  }

  /** A fault of the file is told in the result. Errors: KAFKA_UNAVAILABLE, S3_FAILED where S3 is away */
  async run(): Promise<void> {
    const { result } = this;
    const { file, signal } = this.#options;
    const input = openInput(file, signal);
    const progress = () => {
      result.bytes = input.bytesRead();
      this.#options.onProgress(result);
    };
    let failure: WindrowError | undefined;
    try {
      for await (const items of readItems(input)) {
        for (const item of items) await this.#take(item);
        progress();
        if (signal.aborted) break;
      }
      result.complete = !signal.aborted;
    } catch (error) {
      if (!isOfReading(error)) throw error;
      if (!signal.aborted) failure = error;
    }
    await this.#flush();
    if (failure?.code === 'FILE_UNREADABLE') {
      result.failure = `${failure.message} ${result.sent} events before that were sent, ${result.rejected} became dead letters.`;
    }
    if (this.#position > this.#rememberedPosition || result.complete) await this.#remember();
    progress();
    if (failure?.code === 'S3_FAILED') throw failure;
  }

  async #take(item: Item): Promise<void> {
    this.#next += 1;
    if (this.#next <= this.result.startedAt) return;
    this.result.read += 1;
    const taken = item.ok ? this.#options.intake.take(item.value, { kind: 'file' }) : item;
    if (taken.ok) {
      this.#chunk.events.push(taken.output);
      this.#chunk.bytes += taken.output.value?.length ?? 0;
    } else this.#reject(item, taken);
    const { events, deadLetters, bytes } = this.#chunk;
    if (events.length + deadLetters.length >= chunkRecords || bytes >= chunkBytes) await this.#send();
  }

  #reject({ line, text }: Item, { reason, message }: Rejection): void {
    const { file } = this.result;
    const { intake, deadLetterEncoder } = this.#options;
    const place = { file, line: String(line) };
    const rejection = { reason, message: `${file}, line ${line}: ${message}` };
    const letter = deadLetterEncoder.encode('load', intake.contract.name, rejection, text, place);
    this.#chunk.deadLetters.push(letter);
    this.#chunk.reasons.push(reason);
    this.#chunk.bytes += letter.value?.length ?? 0;
  }

  /** Hands the chunk over, and waits where too many are under way. */
  async #send(): Promise<void> {
    const { intake, deadLetterEncoder, commit, maxPendingChunks } = this.#options;
    const chunk = this.#chunk;
    this.#chunk = emptyChunk();
    if (chunk.events.length + chunk.deadLetters.length === 0) return;
    chunk.end = this.#next;
    this.#unacknowledged.push(chunk);
    const outputs = outputsOf(
      { topic: intake.topic, records: chunk.events },
      { topic: deadLetterEncoder.topic, records: chunk.deadLetters },
    );
    const sent = commit.send(outputs).then(() => this.#acknowledged(chunk));
    // It is awaited in its turn; until then a failure must not count as unhandled.
    sent.catch(() => undefined);
    this.#pending.push(sent);
    if (this.#pending.length >= maxPendingChunks) await this.#pending.shift();
  }

  /** The position never passes a chunk that has failed, though later ones may have been sent. */
  #acknowledged(chunk: Chunk): void {
    chunk.acknowledged = true;
    for (let [first] = this.#unacknowledged; first?.acknowledged; [first] = this.#unacknowledged) {
      const { end, events, deadLetters, reasons } = first;
      this.#unacknowledged.shift();
      this.#position = end;
      this.result.sent += events.length;
      this.result.rejected += deadLetters.length;
      for (const reason of reasons) this.result.reasons[reason] = (this.result.reasons[reason] ?? 0) + 1;
    }
    if (this.#remembering || this.#position < this.#rememberedPosition + rememberEveryRecords) return;
    this.#remembering = this.#remember().then(() => {
      this.#remembering = undefined;
    });
    this.#remembering.catch(() => undefined);
  }

  async #remember(): Promise<void> {
    const { memory, file, soFar } = this.#options;
    const { remembered: identity, sizeBytes } = file;
    if (!memory || !identity || sizeBytes === undefined) return;
    const { sent, rejected, complete: done } = this.result;
    this.#rememberedPosition = this.#position;
    await memory.remember(identity, sizeBytes, {
      position: this.#position,
      sent: (soFar?.sent ?? 0) + sent,
      rejected: (soFar?.rejected ?? 0) + rejected,
      // While chunks are under way, the end has been read and not yet reached.
      done: done && this.#unacknowledged.length === 0,
    });
  }

  async #flush(): Promise<void> {
    await this.#send();
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
    await this.#remembering;
  }
}

/** Whether the file, or what it is read from, is at fault, so that what was read of it can still be sent. */
function isOfReading(error: unknown): error is WindrowError {
  return error instanceof WindrowError && ['FILE_UNREADABLE', 'S3_FAILED'].includes(error.code);
}
