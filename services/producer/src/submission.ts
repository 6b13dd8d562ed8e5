import { type HttpRoute, type InputTraits, messagesOf, type QualityNote } from '@windrow/contracts';
import {
  type DeadLetterEncoder,
  type GroupCommit,
  type Intake,
  type OutputRecord,
  outputsOf,
  type Rejection,
  type Taken,
} from '@windrow/pipeline';
import { hideWriteKeys, withoutWriteKey } from './auth/plugin.ts';
import { isDeeperThan, type ParsedJson, parseJson } from './json-body.ts';
import { type MessageBytes, messageBytes } from './message-bytes.ts';
import type { IngestionWarning, MessageInspector } from './message-inspector.ts';
import type { ProducerMetrics } from './metrics.ts';

/** The limit of Segment's HTTP API. */
export const maxMessageBytes = 32 * 1024;
/** How deep a message may be nested. Deeper ones could overflow the stack of recursive readers. */
export const maxMessageDepth = 64;

export interface RejectedMessage extends Rejection {
  /** Position of the message in the body, from 0. */
  index: number;
}

/** Turns a stream's messages into records, and looks for suspicious ones. */
export interface InspectedIntake {
  intake: Intake;
  inspector: MessageInspector;
}

export interface SubmissionParts {
  deadLetterEncoder: DeadLetterEncoder;
  commit: GroupCommit;
  metrics: ProducerMetrics;
}

/** The depth of messages in a body: 1 for the body itself, 2 in an array, 3 in an array of an object. */
const depthOf = (route: HttpRoute, value: unknown): number =>
  route.body === 'batch' ? 3 : Array.isArray(value) ? 2 : 1;

/** The messages of one request: records for accepted ones, dead letters for rejected ones. */
export class Submission {
  readonly #parts: SubmissionParts;
  readonly #intake: Intake;
  readonly #inspector: MessageInspector;
  readonly #route: HttpRoute;
  readonly #receivedAtMs: number;
  readonly #events: OutputRecord[] = [];
  readonly #deadLetters: OutputRecord[] = [];
  readonly #rejected: RejectedMessage[] = [];
  readonly #acceptedIds: string[] = [];
  readonly #warnings: IngestionWarning[] = [];
  readonly #notes: QualityNote[] = [];
  #source: string | null = null;

  constructor(
    parts: SubmissionParts,
    { intake, inspector }: InspectedIntake,
    route: HttpRoute,
    receivedAtMs: number,
  ) {
    this.#parts = parts;
    this.#intake = intake;
    this.#inspector = inspector;
    this.#route = route;
    this.#receivedAtMs = receivedAtMs;
  }

  get accepted(): number {
    return this.#events.length;
  }

  /** Calls `admit` with the parsed body and its number of events before it accepts any. `admit` returns the source. */
  takeBody(body: Buffer, admit: (value: unknown, events: number) => string | null): void {
    const parsed = parseJson(body);
    const taken = parsed.ok ? messagesOf(this.#route, parsed.value) : parsed;
    this.#source = admit(parsed.ok ? parsed.value : undefined, taken.ok ? taken.messages.length : 1);
    if (!parsed.ok || !taken.ok) {
      if (!taken.ok) this.#reject(0, taken, hideWriteKeys(body), {});
      return;
    }
    const check = this.#checkOf(parsed);
    const { hasBrokenText, numberTexts } = parsed.scan;
    const traits = { hasBrokenText, hasNumberTexts: numberTexts.length > 0 };
    let received: MessageBytes | undefined;
    for (const [index, message] of taken.messages.map(withoutWriteKey).entries()) {
      const result = check?.(message) ?? this.#take(message, traits);
      if (result.ok) this.#accept(result);
      else {
        received ??= messageBytes(body, this.#route.body);
        this.#reject(index, result, received.messages[index] ?? body, received.batch);
      }
    }
  }

  /** A check of each message against the limits; undefined when the whole body is within them. */
  #checkOf(parsed: ParsedJson & { ok: true }): ((message: unknown) => Taken | undefined) | undefined {
    const depth = depthOf(this.#route, parsed.value);
    const mayBeLarge = (parsed.scan.longest[depth] ?? 0) > maxMessageBytes;
    const mayBeDeep = parsed.scan.depth > maxMessageDepth;
    if (!mayBeLarge && !mayBeDeep) return undefined;
    return (message) => {
      if (mayBeDeep && isDeeperThan(message, maxMessageDepth)) {
        return { ok: false, reason: 'too_deep', message: `nested more than ${maxMessageDepth} levels deep` };
      }
      const bytes = mayBeLarge ? textOf(message).length : 0;
      if (bytes <= maxMessageBytes) return undefined;
      return { ok: false, reason: 'too_large', message: `${bytes} bytes; at most ${maxMessageBytes}` };
    };
  }

  #take(message: unknown, traits: InputTraits): Taken {
    const taken = this.#intake.take(message, { kind: 'http', receivedAtMs: this.#receivedAtMs }, traits);
    const record = taken.ok ? taken.record : taken.broken;
    if (record === undefined) return taken;
    if (taken.warnings) this.#warnings.push(...taken.warnings);
    if (this.#inspector.hasClockError(record, this.#receivedAtMs)) this.#warnings.push('clock_skew');
    if (!taken.ok) this.#warnings.push('dropped_by_rule');
    else if (taken.notes) {
      this.#warnings.push('doubtful_values');
      this.#notes.push(...taken.notes);
    }
    return taken;
  }

  #accept({ record, output }: Taken & { ok: true }): void {
    this.#events.push(output);
    const id = this.#inspector.idOf(record);
    if (id !== undefined) this.#acceptedIds.push(id);
  }

  /** @param batch the members of the batch that apply to the message, which its own bytes don't have */
  #reject(index: number, { reason, message }: Rejection, raw: Buffer, batch: MessageBytes['batch']): void {
    const { deadLetterEncoder } = this.#parts;
    const { name } = this.#intake.contract;
    const { path } = this.#route;
    this.#rejected.push({ index, reason, message });
    const headers = { path, ...batch };
    this.#deadLetters.push(deadLetterEncoder.encode('http', name, { reason, message }, raw, headers));
  }

  /** Fulfilled when Kafka has acknowledged all records. @returns the rejected messages */
  async send(signal: AbortSignal): Promise<RejectedMessage[]> {
    const { commit, deadLetterEncoder, metrics } = this.#parts;
    const outputs = outputsOf(
      { topic: this.#intake.topic, records: this.#events },
      { topic: deadLetterEncoder.topic, records: this.#deadLetters },
    );
    if (outputs.length > 0) await commit.send(outputs, signal);
    const stream = this.#intake.contract.name;
    metrics.events.inc({ stream, outcome: 'ok' }, this.#events.length);
    metrics.events.inc({ stream, outcome: 'deadLetter' }, this.#deadLetters.length);
    for (const { reason } of this.#rejected) metrics.deadLetters.inc({ stage: 'http', reason });
    for (const { field, reason } of this.#notes) metrics.notes.inc({ stream, field, reason });
    this.#countWarnings();
    return this.#rejected;
  }

  /** Counted after Kafka's acknowledgement: otherwise, a client that retries would be counted twice. */
  #countWarnings(): void {
    const { metrics } = this.#parts;
    const source = this.#source ?? 'none';
    for (const warning of this.#warnings) metrics.warnings.inc({ source, warning });
    for (const id of this.#acceptedIds)
      if (this.#inspector.isRepeated(id)) metrics.warnings.inc({ source, warning: 'duplicate_id' });
    for (const { reason } of this.#rejected)
      if (reason === 'too_large') metrics.warnings.inc({ source, warning: 'too_large' });
  }
}

function textOf(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message) ?? 'null');
}
