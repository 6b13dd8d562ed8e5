import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStackEnv } from '@windrow/stack';
import pg from 'pg';
import {
  type LakeReader,
  type Row,
  readFilesWithDuckDb,
  readWithDeltaRs,
  readWithDuckDbDelta,
} from '../readers/readers.ts';

/** This clone of the repository. */
export const clone = fileURLToPath(new URL('../..', import.meta.url));

/** Every reader that we did not write. */
export const readers: Record<string, LakeReader> = {
  'delta-rs': readWithDeltaRs,
  'DuckDB, Delta log': readWithDuckDbDelta,
  'DuckDB, plain files': readFilesWithDuckDb,
};

export interface AuditedTopic {
  consumed: number;
  accepted: number;
  duplicates: number;
  deadLettered: number;
}

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A stack and the four services of their own, used through the `windrow` command as people use them. */
export class Installation {
  readonly stateDir: string;
  readonly #clone: string;
  #pool: pg.Pool | undefined;

  private constructor(stateDir: string, from: string) {
    this.stateDir = stateDir;
    this.#clone = from;
  }

  /** Starts all of it from a clone of the repository; what fails to start is stopped again. */
  static async start(from = clone): Promise<Installation> {
    const root = join(clone, '.windrow', 'test');
    mkdirSync(root, { recursive: true });
    const installation = new Installation(mkdtempSync(join(root, 'end-to-end-')), from);
    try {
      await installation.windrow('stack', 'up');
      await installation.windrow('up');
    } catch (error) {
      await installation.stop();
      throw error;
    }
    return installation;
  }

  get endpoints() {
    return readStackEnv(this.stateDir);
  }

  /** Runs the command to its end, whatever its exit code. */
  run(...args: string[]): Promise<Ran> {
    const child = spawn(process.execPath, [join(this.#clone, 'packages/cli/bin/windrow.mjs'), ...args], {
      cwd: this.#clone,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ran: Ran = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ran.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ran.stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ ...ran, code }));
    });
  }

  /** Micro-batches are cut early, so that tests don't wait for a minute. */
  get settings(): Record<string, string> {
    return {
      WINDROW_STATE_DIR: this.stateDir,
      ...{ LAKE_MAX_AGE_SECONDS: '2', POSTGRES_MAX_AGE_SECONDS: '1' },
    };
  }

  /** Runs the command; a failure is an error with all that it said. Gives its standard output. */
  async windrow(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`windrow ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** Until everything accepted so far has landed. */
  async landed(): Promise<void> {
    await this.windrow('wait', '--timeout', '120');
  }

  /** Runs the deep audit, which must add up. @returns its sums over a topic's partitions */
  async auditOf(topic: string): Promise<AuditedTopic> {
    const { partitions } = JSON.parse(await this.windrow('audit', '--deep', '--json')) as {
      partitions: (AuditedTopic & { topic: string })[];
    };
    const sums: AuditedTopic = { consumed: 0, accepted: 0, duplicates: 0, deadLettered: 0 };
    for (const line of partitions.filter((one) => one.topic === topic)) {
      sums.consumed += line.consumed;
      sums.accepted += line.accepted;
      sums.duplicates += line.duplicates;
      sums.deadLettered += line.deadLettered;
    }
    return sums;
  }

  async sql(query: string): Promise<Row[]> {
    this.#pool ??= new pg.Pool({ connectionString: this.endpoints.DATABASE_URL, max: 2 });
    return (await this.#pool.query<Row>(query)).rows;
  }

  /** The same question to one reader of the lake; the table is the view `t`. */
  lake(reader: LakeReader, table: string, sql: string): Promise<readonly Row[]> {
    return reader(this.endpoints, table, sql);
  }

  /** Row counts of every table in the lake and in Postgres. */
  async counts(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const table of ['raw/track', 'raw/weather', 'curated/track', 'rejected/dead_letter']) {
      const [row] = await this.lake(readWithDeltaRs, table, 'select count(*) as n from t');
      counts[table] = Number(row?.n);
    }
    for (const table of ['curated.track_event', 'curated.weather_observation', 'curated.city_window']) {
      const [row] = await this.sql(`select count(*)::int as n from ${table}`);
      counts[table] = Number(row?.n);
    }
    const [row] = await this.sql('select coalesce(sum(events), 0)::int as n from curated.city_window');
    counts['events in curated.city_window'] = Number(row?.n);
    return counts;
  }

  async stop(): Promise<void> {
    await this.#pool?.end();
    const down = await this.run('down');
    const stackDown = await this.run('stack', 'down');
    if (down.code !== 0 || stackDown.code !== 0) {
      throw new Error(
        `windrow down: ${down.code} ${down.stderr}\nstack down: ${stackDown.code} ${stackDown.stderr}`,
      );
    }
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}
