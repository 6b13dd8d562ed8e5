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

/** Rows are held in column buffers, at about 500 bytes each, beside those that land. */
const compactionLimits: CompactionLimits = { maxRows: 65_536, maxBytes: 16 * 2 ** 20 };

interface CompactionOptions {
  contracts: StreamContract[];
  store: ObjectStore;
  /** The name under which the ledger lies in the Delta logs. */
  sink: string;
  encoder: EncoderName;
  /** How long after its end, and after the last rows that came to it, a window counts as closed. */
  latenessMs: number;
  metrics: SinkMetrics;
  log: Logger;
}

/** What this instance was elected to compact. */
interface Election {
  claim: Pick<Claim, 'epochs'>;
  compactor: TableCompactor | undefined;
  vacuumDueMs: number;
  /** Groups of files that can't be compacted: each is told of once. */
  readonly refused: Set<string>;
}

/**
 * Compacts the small files of windows that have closed, and deletes replaced files when their time is over: in each table the
 * instance that owns the topic's partition 0, under that claim. One at a time, beside what lands. A failure is tried again
 * later, and holds nothing up.
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
    // Often enough that a window waits little longer than it has to.
    const everyMs = Math.min(60_000, Math.max(500, this.#options.latenessMs / 10));
    this.#timer = setInterval(() => this.#tick(), everyMs);
  }

  /** With each claim of a table: whoever has partition 0 is elected. */
  elect({ table, topic }: Feed, { epochs }: Claim): void {
    const appId = ownerAppId(this.#options.sink, { topic, partition: 0 });
    const epoch = epochs.get(appId);
    if (epoch === undefined) this.#elections.delete(table);
    else {
      const claim = { epochs: new Map([[appId, epoch]]) };
      const former = this.#elections.get(table);
      const { compactor, vacuumDueMs = 0, refused = new Set<string>() } = former ?? {};
      this.#elections.set(table, { claim, compactor, vacuumDueMs, refused });
      // An increase from nothing to one is none: alerts look at these.
      for (const outcome of ['ok', 'failed']) this.#options.metrics.compactions.inc({ table, outcome }, 0);
    }
  }

  /** Waits for what is being committed. */
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
        // The epoch is another's by now: whose, the next assignment says.
        if (isLost(error) && this.#elections.get(table) === election) this.#elections.delete(table);
        this.#options.log.warn({ table, err: error }, 'not compacted; again later');
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
      if (!election.refused.has(nameOf(small))) await this.#compact(table, election, compactor, small);
    }
    if (Date.now() < election.vacuumDueMs) return;
    election.vacuumDueMs = Date.now() + vacuumEveryMs;
    const deleted = await compactor.vacuum(this.#stopping.signal);
    this.#options.metrics.vacuumedFiles.inc({ table }, deleted);
    if (deleted > 0) this.#options.log.info({ table, files: deleted }, 'vacuumed');
  }

  async #compact(
    table: string,
    { claim, refused }: Election,
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
      refused.add(nameOf(small));
      log.error({ table, window: small.namePrefix, err: error }, 'these files stay as they are');
    }
  }
}

const nameOf = ({ files }: SmallFiles): string => files.map(({ path }) => path).join('\n');

const isLost = (error: unknown): boolean => error instanceof WindrowError && error.code === 'LEDGER_LOST';
