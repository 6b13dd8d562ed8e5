import type { CuratedMapping } from '@windrow/contracts';
import {
  type Connection,
  dropReplayStage,
  hasReplayStage,
  ReplayStage,
  rowsToSwap,
  swapReplayBack,
  swapReplayIn,
} from '@windrow/postgres';
import type { ReplayRecord, TargetState } from './replay-record.ts';
import type { Publishing, ReplayedRow, ReplayTarget, WithdrawnRow } from './replay-target.ts';
import type { ReplayedStream } from './session.ts';

/** Stages rows in a separate table and replaces the rows of the target table window by window. */
export class PostgresTarget implements ReplayTarget {
  readonly #db: Connection;
  readonly #id: number;
  readonly #topic: string;
  readonly #mapping: CuratedMapping;
  readonly #stage: ReplayStage;

  constructor(db: Connection, id: number, { enrichedTopic }: ReplayedStream, mapping: CuratedMapping) {
    this.#db = db;
    this.#id = id;
    this.#topic = enrichedTopic;
    this.#mapping = mapping;
    this.#stage = new ReplayStage(db, mapping, id);
  }

  /** The staging table outlives the process, and the stream's lock keeps other replays from using it. */
  isStaged(): Promise<boolean> {
    return hasReplayStage(this.#db, this.#id);
  }

  async open(): Promise<TargetState> {
    await this.#stage.open();
    return {};
  }

  append({ partition, rawOffset, record }: ReplayedRow): Promise<void> {
    return this.#stage.append({ partition, rawOffset, record, isWithdrawn: false });
  }

  withdraw({ partition, rawOffset, event }: WithdrawnRow): Promise<void> {
    return this.#stage.append({ partition, rawOffset, record: event(), isWithdrawn: true });
  }

  async finish(): Promise<TargetState> {
    await this.#stage.finish();
    return {};
  }

  async publish(_: ReplayRecord, { signal, progress }: Publishing): Promise<TargetState> {
    const [db, id, mapping, topic] = [this.#db, this.#id, this.#mapping, this.#topic];
    const shown = progress(mapping.table, 'rows', await rowsToSwap(db, id, mapping));
    try {
      await swapReplayIn({ db, id, mapping, topic, signal, onSwapped: (rows) => shown.show(rows) });
    } finally {
      shown.end();
    }
    return {};
  }

  async cancel(_: ReplayRecord, signal: AbortSignal): Promise<TargetState> {
    const [db, id, mapping, topic] = [this.#db, this.#id, this.#mapping, this.#topic];
    await swapReplayBack({ db, id, mapping, topic, signal });
    await this.removeStage();
    return {};
  }

  removeStage(): Promise<void> {
    return dropReplayStage(this.#db, this.#id);
  }
}
