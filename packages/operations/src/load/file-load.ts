import {
  type DeadLetterEncoder,
  type GroupCommit,
  type Intake,
  type OutputRecord,
  outputsOf,
  type Rejection,
  type Taken,
} from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import { batchRouteOf, messagesIn } from './batches.ts';
import type { LoadFile } from './load-file.ts';
import type { LoadedSoFar, LoadMemory } from './load-memory.ts';
import type { Item } from './read/item.ts';
import { openInput } from './read/open-input.ts';
import { readItems } from './read/read-items.ts';
import { type CheckOptions, RecordCheck } from './record-check.ts';
import type { RejectedRow, Rejects } from './rejects.ts';

export interface FileResult {
  file: string;
  /** The position at which this load started: the number of events loaded before. */
  startedAt: number;
  /** Events read from there on, accepted and rejected. */
  read: number;
  /** Events that Kafka has acknowledged. */
  sent: number;
  /** Events whose dead letters Kafka has acknowledged. */
  rejected: number;
  /** Reason code → rejected events. */
  reasons: Record<string, number>;
  /** Warning → accepted events with it. */
  warnings: Record<string, number>;
  /** Reason → values of accepted events with it: they were replaced by null, or are doubtful. */
  notes: Record<string, number>;
  /** Name that no field of the stream takes → events with a value under it. Absent without such names. */
  unknownFields?: Record<string, number>;
  /** Bytes of the stored file that were read. */
  bytes: number;
  /** False if the load was stopped before the end of the file, or failed. */
  complete: boolean;
  /** Why the file could not be read to its end. */
  failure?: string;
}

export interface FileLoadOptions {
  file: LoadFile;
  intake: Intake;
  deadLetterEncoder: DeadLetterEncoder;
  commit: GroupCommit;
  memory: LoadMemory | undefined;
  /** Progress of former loads. */
  soFar: LoadedSoFar | undefined;
  reading: CheckOptions;
  rejects: Rejects;
  /** Chunks that may be unacknowledged while reading continues. */
  maxPendingChunks: number;
  onProgress(result: FileResult): void;
  signal: AbortSignal;
}

/** Limits of the events that are sent together. */
const chunkRecords = 1_000;
const chunkBytes = 900_000;
/** After a kill, events since the last stored position are sent again. Each stored position is a record that later loads read. */
const rememberEveryRecords = 10_000;

interface Chunk {
  events: OutputRecord[];
  deadLetters: OutputRecord[];
  rejected: RejectedRow[];
  bytes: number;
  /** Position in the file after the last event of the chunk. */
  end: number;
  acknowledged: boolean;
}

const emptyChunk = (): Chunk => ({
  ...{ events: [], deadLetters: [], rejected: [], bytes: 0, end: 0, acknowledged: false },
});

/** Loads one file, in its order. */
export class FileLoad {
  readonly result: FileResult;
  readonly #options: FileLoadOptions;
  readonly #check: RecordCheck;
  #chunk = emptyChunk();
  /** Chunks that were sent, in the order of the file. */
  readonly #unacknowledged: Chunk[] = [];
  #pending: Promise<void>[] = [];
  /** Position of the item that is read next. */
  #next = 0;
  /** Kafka has acknowledged all items before this position. */
  #position: number;
  #rememberedPosition: number;
  #remembering: Promise<void> | undefined;

  constructor(options: FileLoadOptions) {
    this.#options = options;
    const startedAt = options.soFar?.position ?? 0;
    const { name: file } = options.file;
    this.result = {
      file,
      startedAt,
      read: 0,
      sent: 0,
      rejected: 0,
      reasons: {},
      warnings: {},
      notes: {},
      bytes: 0,
      complete: false,
    };
    this.#position = startedAt;
    this.#rememberedPosition = startedAt;
    this.#check = new RecordCheck(file, options.intake.contract, options.reading);
  }

  /**
   * An error of the file itself goes into the result.
   * @throws WindrowError KAFKA_UNAVAILABLE, S3_FAILED if S3 is unavailable
   */
  async run(): Promise<void> {
    const { result } = this;
    const { file, signal, reading, intake } = this.#options;
    const input = openInput(file, signal);
    const batchRoute = reading.path ? undefined : batchRouteOf(intake.contract);
    const progress = () => {
      result.bytes = input.bytesRead();
      if (this.#check.unknownFields.size > 0)
        result.unknownFields = Object.fromEntries(this.#check.unknownFields);
      this.#options.onProgress(result);
    };
    let failure: WindrowError | undefined;
    try {
      let isFirst = true;
      for await (const { items, isCsv } of readItems(input, reading)) {
        const records = items.flatMap((item) => messagesIn(item, batchRoute));
        if (isFirst) this.#check.refuseFirst({ items: records, isCsv });
        isFirst = false;
        for (const record of records) await this.#take(record, isCsv);
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

  async #take(read: Item, isCsv: boolean): Promise<void> {
    this.#next += 1;
    if (this.#next <= this.result.startedAt) return;
    this.result.read += 1;
    const item = this.#check.checked(read, isCsv);
    const taken = item.ok ? this.#accepted(item) : item;
    if (taken.ok) {
      for (const warning of taken.warnings ?? [])
        this.result.warnings[warning] = (this.result.warnings[warning] ?? 0) + 1;
      for (const { reason } of taken.notes ?? [])
        this.result.notes[reason] = (this.result.notes[reason] ?? 0) + 1;
      this.#chunk.events.push(taken.output);
      this.#chunk.bytes += taken.output.value?.length ?? 0;
    } else this.#reject(item, taken);
    const { events, deadLetters, bytes } = this.#chunk;
    if (events.length + deadLetters.length >= chunkRecords || bytes >= chunkBytes) await this.#send();
  }

  #accepted({ value, traits, unread }: Item & { ok: true }): Taken {
    const { intake } = this.#options;
    const taken = intake.take(value, { kind: 'file', ...(unread && { unread }) }, traits);
    if (taken.ok) return taken;
    const { reason, message } = taken;
    const advice = this.#check.adviceFor(reason, value);
    return { ok: false, reason, message: advice ? `${message}; ${advice}` : message };
  }

  #reject({ line, text }: Item, { reason, message: why }: Rejection): void {
    const { file } = this.result;
    const { intake, deadLetterEncoder, rejects } = this.#options;
    const message = `${file}, line ${line}: ${why}`;
    const place = { file, line: String(line) };
    const letter = deadLetterEncoder.encode('load', intake.contract.name, { reason, message }, text, place);
    const row: RejectedRow = { file, line, reason, message, text };
    rejects.tell(row);
    this.#chunk.deadLetters.push(letter);
    this.#chunk.rejected.push(row);
    this.#chunk.bytes += letter.value?.length ?? 0;
  }

  /** Sends the chunk, and waits if too many chunks are unacknowledged. */
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
    // The promise is awaited later; until then its rejection must not count as unhandled.
    sent.catch(() => undefined);
    this.#pending.push(sent);
    if (this.#pending.length >= maxPendingChunks) await this.#pending.shift();
  }

  /** The position never passes a failed chunk, even if later chunks were sent. */
  #acknowledged(chunk: Chunk): void {
    chunk.acknowledged = true;
    for (let [first] = this.#unacknowledged; first?.acknowledged; [first] = this.#unacknowledged) {
      const { end, events, deadLetters, rejected } = first;
      this.#unacknowledged.shift();
      this.#position = end;
      this.result.sent += events.length;
      this.result.rejected += deadLetters.length;
      for (const row of rejected) {
        this.result.reasons[row.reason] = (this.result.reasons[row.reason] ?? 0) + 1;
        this.#options.rejects.keep(row);
      }
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
      // The file is complete only when no chunk is unacknowledged.
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

/** Whether reading failed (the file or S3), so that the events read so far can still be sent. */
function isOfReading(error: unknown): error is WindrowError {
  return error instanceof WindrowError && ['FILE_UNREADABLE', 'S3_FAILED'].includes(error.code);
}
