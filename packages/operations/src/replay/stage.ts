import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, type EventRecord, schemaIdOf } from '@windrow/contracts';
import { Enrichment } from '@windrow/enrichment';
import { DeadLetters, type Outcome, type Producer, type RejectedRecord } from '@windrow/pipeline';
import { type ReplayCounts, recordWithdrawn } from '@windrow/postgres';
import { WindrowError } from '@windrow/runtime';
import packageJson from '../../package.json' with { type: 'json' };
import type { Accepted } from './accepted-events.ts';
import type { ReplayPlan } from './plan.ts';
import { readRawEvents } from './raw-events.ts';
import { type Candidate, withoutRow } from './repeated-ids.ts';
import type { ReplayTarget } from './replay-target.ts';
import type { ReplayedStream, Session } from './session.ts';

/** Candidates that are held in memory before their ids are looked up in the curated table. */
const candidatesAtOnce = 20_000;
/** Rejected events that are sent in one batch to the dead-letter topic. */
const rejectedAtOnce = 1_000;

export interface StageOptions {
  session: Session;
  stream: ReplayedStream;
  plan: ReplayPlan;
  id: number;
  targets: readonly ReplayTarget[];
  /** Maximum of events per second. */
  rate?: number;
  signal: AbortSignal;
  onProgress(read: number): void;
}

/** An event after today's rules and steps. A rejected event has its `record` if it was decoded for the steps. */
type Enriched = Exclude<Outcome, { kind: 'deadLetter' }> | Rejected;
type Rejected = Extract<Outcome, { kind: 'deadLetter' }> & { record?: EventRecord };

/** Runs today's steps on the events of a plan and stages the new rows beside the tables. It changes no row of a table. */
export class Stage {
  readonly counts: ReplayCounts = {
    ...{ read: 0, rows: 0, restored: 0, withdrawn: 0, duplicates: 0, rejected: 0, resent: 0 },
  };
  readonly #options: StageOptions;
  readonly #codec: AvroCodec;
  readonly #startedMs = performance.now();
  /** Events that were read again and whose row will be replaced or removed. */
  #met = 0;
  #candidates: Candidate[] = [];
  #rejected: RejectedRecord[] = [];
  #deadLetters: DeadLetters | undefined;
  #producer: Producer | undefined;

  constructor(options: StageOptions) {
    this.#options = options;
    this.#codec = new AvroCodec(options.stream.contract.schema, options.session.installation.registry);
  }

  /**
   * @throws WindrowError REPLAY_IMPOSSIBLE when an event that has a row was not read again; errors of Kafka, the registry, S3 and
   * Postgres; the signal's reason
   */
  async run(): Promise<void> {
    const { session, stream, plan, signal } = this.#options;
    const { installation } = session;
    const enrichment = await Enrichment.open({
      contract: stream.contract,
      contracts: stream.contracts,
      broker: installation.broker,
      registry: installation.registry,
    });
    try {
      await enrichment.current(signal);
      await readRawEvents(plan.sources, {
        installation,
        contract: stream.contract,
        raw: plan.raw,
        signal,
        onEvents: (partition, outcomes) =>
          this.#take(
            partition,
            outcomes.map((outcome) => enriched(outcome, enrichment)),
          ),
      });
      await this.#settleCandidates();
      await this.#settleRejected();
      if (this.#met !== plan.accepted.rows) {
        const message = `${plan.accepted.rows - this.#met} events with rows in ${stream.curatedPath} were missing when the range was read again. Nothing was changed`;
        throw new WindrowError('REPLAY_IMPOSSIBLE', message);
      }
    } finally {
      await enrichment.close();
      await this.#deadLetters?.close();
      await this.#producer?.close();
    }
  }

  async #take(partition: number, outcomes: Enriched[]): Promise<void> {
    const { plan, signal, onProgress } = this.#options;
    for (const outcome of outcomes) {
      this.counts.read += 1;
      const accepted = plan.accepted.at(partition, outcome.input.offset);
      if (outcome.kind === 'drop') continue;
      if (!accepted) await this.#takeWithoutRow(partition, outcome);
      else if (outcome.kind === 'ok') await this.#takeRow(partition, outcome, accepted);
      else await this.#withdraw(partition, outcome, accepted);
    }
    onProgress(this.counts.read);
    signal.throwIfAborted();
    await this.#holdRate();
  }

  async #takeRow(
    partition: number,
    { input, record }: Extract<Enriched, { kind: 'ok' }>,
    accepted: Accepted,
  ): Promise<void> {
    const rawOffset = input.offset;
    for (const target of this.#options.targets)
      await target.append({ partition, rawOffset, record, accepted });
    this.counts.rows += 1;
    if (accepted.hasRow) this.#met += 1;
    else this.counts.restored += 1;
  }

  async #withdraw(partition: number, outcome: Rejected, accepted: Accepted): Promise<void> {
    const { targets, session, stream } = this.#options;
    const rawOffset = outcome.input.offset;
    const event = () => this.#recordOf(outcome);
    for (const target of targets) await target.withdraw({ partition, rawOffset, event });
    if (!accepted.hasRow) {
      this.counts.rejected += 1;
      return;
    }
    this.#met += 1;
    this.counts.withdrawn += 1;
    this.#rejected.push({ ...outcome, stage: 'replay', partition });
    const { landedOffset, ingestedAtMs } = accepted;
    const withdrawn = { partition, rawOffset, landedOffset, ingestedAtMs };
    await recordWithdrawn(session.db, stream.contract.name, withdrawn);
    if (this.#rejected.length >= rejectedAtOnce) await this.#settleRejected();
  }

  #recordOf({ input, stage, record }: Rejected): EventRecord {
    if (record !== undefined) return record;
    if (stage === 'rules' && input.value !== null) return this.#codec.decodeAgain(input.value);
    const message = `the event at offset ${input.offset} was accepted earlier, but today's schema can't decode it. Its row in Postgres can't be found`;
    throw new WindrowError('REPLAY_IMPOSSIBLE', message);
  }

  async #takeWithoutRow(
    partition: number,
    outcome: Extract<Enriched, { kind: 'ok' | 'deadLetter' }>,
  ): Promise<void> {
    if (outcome.kind === 'deadLetter') {
      this.counts.rejected += 1;
      return;
    }
    this.#candidates.push({ partition, input: outcome.input, record: outcome.record });
    if (this.#candidates.length >= candidatesAtOnce) await this.#settleCandidates();
  }

  /** Sends events that were rejected earlier and are valid today to the raw topic. There they are deduplicated as any event. */
  async #settleCandidates(): Promise<void> {
    const { stream, plan, id, session } = this.#options;
    const candidates = this.#candidates;
    this.#candidates = [];
    const again = await withoutRow(candidates, stream.contract, plan.curated);
    this.counts.duplicates += candidates.length - again.length;
    if (again.length === 0) return;
    this.#producer ??= await session.installation.broker.producer();
    const records = again.map(({ partition, input: { key, value, headers } }) => ({
      ...{ key, value, partition },
      headers: { ...headers, 'windrow-replay': String(id) },
    }));
    await this.#producer.send([{ topic: stream.rawTopic, records }]);
    this.counts.resent += again.length;
  }

  async #settleRejected(): Promise<void> {
    const { stream, session, signal } = this.#options;
    const rejected = this.#rejected;
    this.#rejected = [];
    if (rejected.length === 0) return;
    const { broker, registry } = session.installation;
    this.#deadLetters ??= new DeadLetters({
      ...{ broker, registry, groupId: 'replay', service: 'replay', version: packageJson.version },
    });
    await this.#deadLetters.send({ stream: stream.contract.name, topic: stream.rawTopic }, rejected, signal);
  }

  async #holdRate(): Promise<void> {
    const { rate, signal } = this.#options;
    if (rate === undefined) return;
    const aheadMs = (1000 * this.counts.read) / rate - (performance.now() - this.#startedMs);
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal });
  }
}

/** Runs the steps of the stream. An event that a step drops today is rejected: its row, if it has one, has to go. */
export function enriched(outcome: Outcome, { run }: Enrichment): Enriched {
  if (outcome.kind !== 'ok') return outcome;
  const { input, record } = outcome;
  const result = run(record, input.offset);
  if (result.kind === 'ok') return outcome;
  const schemaId = schemaIdOf(input.value);
  if (result.kind === 'deadLetter') return { ...result, input, schemaId, record };
  const message = `today a step drops the event: ${result.reason}`;
  return { kind: 'deadLetter', stage: 'step', reason: result.reason, message, input, schemaId, record };
}
