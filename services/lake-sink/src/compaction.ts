import { type StreamContract, windowMs } from '@windrow/contracts';
import {
  type Claim,
  type CompactionLimits,
  createEncoder,
  type EncoderName,
  isWindowClosed,
  ledgerOrder,
  type ObjectStore,
  ownerAppId,
  type SmallFiles,
  smallFilesIn,
  TableCompactor,
  type TableLayout,
  tableLayouts,
} from '@windrow/lake';
import { isRetriable, type Logger, WindrowError } from '@windrow/runtime';
import type { Feed } from './feeds.ts';
import type { SinkMetrics } from './metrics.ts';

const vacuumEveryMs = 12 * 3_600_000;

/** A compaction holds its rows in column buffers, about 500 bytes for each, in addition to the micro-batches. */
const compactionLimits: CompactionLimits = { maxRows: 65_536, maxBytes: 16 * 2 ** 20 };

interface CompactionOptions {
  contracts: StreamContract[];
  store: ObjectStore;
  /** The name of the sink in the ledgers of the Delta logs. */
  sink: string;
  encoder: EncoderName;
  /** How long after its end, and after its last new rows, a window counts as closed. */
  latenessMs: number;
  metrics: SinkMetrics;
  log: Logger;
}

/** A table that this instance was elected to compact. */
interface Election {
  claim: Pick<Claim, 'epochs'>;
  compactor: TableCompactor | undefined;
  vacuumDueMs: number;
  /** Groups of files that can't be compacted. Each is logged once. */
  readonly failedGroups: Set<string>;
}

/**
 * Compacts the small files of closed windows and deletes replaced files after their retention. For each table, the instance that
 * owns partition 0 of the topic does it under its claim. It runs one compaction at a time, while micro-batches are committed. A
 * failed compaction is retried later and does not delay commits.
 */
export class Compaction {
  readonly #options: CompactionOptions;
  readonly #layouts: Map<string, TableLayout>;
  readonly #elections = new Map<string, Election>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: CompactionOptions) {
    this.#options = options;
    this.#layouts = tableLayouts(options.contracts);
  }

  start(): void {
    // Often enough that a closed window does not wait long.
    const everyMs = Math.min(60_000, Math.max(500, this.#options.latenessMs / 10));
    this.#timer = setInterval(() => this.#tick(), everyMs);
  }

  /** Called with each claim of a table. The owner of partition 0 is elected. */
  elect({ table, topic }: Feed, { epochs }: Claim): void {
    const appId = ownerAppId(this.#options.sink, { topic, partition: 0 });
    const epoch = epochs.get(appId);
    if (epoch === undefined) this.#elections.delete(table);
    else {
      const claim = { epochs: new Map([[appId, epoch]]) };
      const former = this.#elections.get(table);
      const { compactor, vacuumDueMs = 0, failedGroups = new Set<string>() } = former ?? {};
      this.#elections.set(table, { claim, compactor, vacuumDueMs, failedGroups });
      // Starts both series at 0. Prometheus sees no increase when a series starts at 1, and alerts need it.
      for (const outcome of ['ok', 'failed']) this.#options.metrics.compactions.inc({ table, outcome }, 0);
    }
  }

  /** Waits for the commit of a running compaction. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort(new WindrowError('STOPPED', 'the sink stops'));
    await this.#running;
  }

  #tick(): void {
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined;
    });
  }

  async #round(): Promise<void> {
    for (const [table, election] of [...this.#elections]) {
      try {
        await this.#compactTable(table, election);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        // Another instance has claimed the table. The next assignment decides who compacts it.
        if (isLost(error) && this.#elections.get(table) === election) this.#elections.delete(table);
        this.#options.log.warn({ table, err: error }, 'compaction failed; will retry');
      }
    }
  }

  async #compactTable(table: string, election: Election): Promise<void> {
    const { store, sink, encoder, latenessMs } = this.#options;
    const layout = this.#layouts.get(table) ?? { orderBy: ledgerOrder };
    election.compactor ??= await TableCompactor.open(store, {
      path: table,
      sink,
      ...layout,
      encoder: createEncoder(encoder),
    });
    const { compactor } = election;
    if (!compactor) return;
    const at = { nowMs: Date.now(), windowMs, latenessMs };
    const files = (await compactor.files()).values();
    for (const small of smallFilesIn(files, compactionLimits, (window) => isWindowClosed(window, at))) {
      if (this.#stopping.signal.aborted || this.#elections.get(table) !== election) return;
      if (!election.failedGroups.has(nameOf(small))) await this.#compact(table, election, compactor, small);
    }
    if (Date.now() < election.vacuumDueMs) return;
    election.vacuumDueMs = Date.now() + vacuumEveryMs;
    const deleted = await compactor.vacuum(this.#stopping.signal);
    this.#options.metrics.vacuumedFiles.inc({ table }, deleted);
    if (deleted > 0) this.#options.log.info({ table, files: deleted }, 'vacuumed');
  }

  async #compact(
    table: string,
    { claim, failedGroups }: Election,
    compactor: TableCompactor,
    small: SmallFiles,
  ): Promise<void> {
    const { metrics, log } = this.#options;
    const end = metrics.compactionSeconds.startTimer();
    try {
      const compacted = await compactor.compact(small, claim.epochs, this.#stopping.signal);
      end();
      metrics.compactions.inc({ table, outcome: compacted ? 'ok' : 'overtaken' });
      if (compacted) log.info({ table, window: small.namePrefix, ...compacted }, 'compacted');
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      metrics.compactions.inc({ table, outcome: isLost(error) ? 'overtaken' : 'failed' });
      if (isRetriable(error)) throw error;
      failedGroups.add(nameOf(small));
      log.error(
        { table, window: small.namePrefix, err: error },
        'cannot compact these files; they stay unchanged',
      );
    }
  }
}

const nameOf = ({ files }: SmallFiles): string => files.map(({ path }) => path).join('\n');

const isLost = (error: unknown): boolean => error instanceof WindrowError && error.code === 'LEDGER_LOST';
