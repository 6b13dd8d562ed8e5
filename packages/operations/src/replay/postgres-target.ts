import type { CuratedMapping, EventRecord } from '@windrow/contracts';
import { type Connection, dropReplayStage, ReplayStage, rowsToSwap, swapReplayIn } from '@windrow/postgres';
import type { ReplayRecord, TargetState } from './replay-record.ts';
import type { Publishing, ReplayedRow, ReplayTarget } from './replay-target.ts';
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
  async isStaged(): Promise<boolean> {
    return true;
  }

  async open(): Promise<TargetState> {
    await this.#stage.open();
    return {};
  }

  append({ partition, record }: ReplayedRow): Promise<void> {
    return this.#stage.append(partition, record, false);
  }

  withdraw(partition: number, event: () => EventRecord): Promise<void> {
    return this.#stage.append(partition, event(), true);
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

  cancel(): Promise<void> {
    return this.removeStage();
  }

  removeStage(): Promise<void> {
    return dropReplayStage(this.#db, this.#id);
  }
}
