import { resolve } from 'node:path';
import { AvroRegistry, inTimezone, loadStreams, streamNamed } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { kafkaConfig, loadConfig, registryConfig, WindrowError } from '@windrow/runtime';
import type { DateRange } from './date-partition.ts';
import { type LoadProgress, type LoadResult, loadFiles } from './load-files.ts';
import type { CheckOptions } from './record-check.ts';
import { openSources } from './sources.ts';

export interface LoadRequest {
  stream: string;
  /** Files, `-`, directories, `s3://` objects and prefixes. */
  sources: readonly string[];
  dates?: DateRange;
  /** Files of a directory or prefix at once. */
  concurrency?: number;
  again?: boolean;
  reading?: CheckOptions;
  rejectsPath?: string | undefined;
  /** The IANA zone of times without an offset, in place of the contract's. */
  timezone?: string | undefined;
  signal: AbortSignal;
  /** Told what of the sources is left out, and the first rejected rows. */
  note(line: string): void;
  onProgress(progress: LoadProgress): void;
}

export const defaultConcurrency = 4;

/**
 * Sends files to a stream. The result lists the files that failed: see {@link assertLoaded}.
 * @throws WindrowError CONFIG_INVALID; those of `openSources` and `loadFiles`
 */
export async function loadInto(env: NodeJS.ProcessEnv, request: LoadRequest): Promise<LoadResult> {
  const { signal, note, onProgress, again = false, concurrency = defaultConcurrency } = request;
  const { reading = {}, rejectsPath } = request;
  const config = loadConfig(kafkaConfig.extend(registryConfig.shape), env);
  const contract = streamNamed(await loadStreams(), request.stream);
  const stream = request.timezone === undefined ? contract : inTimezone(contract, request.timezone);
  if (rejectsPath !== undefined && request.sources.some((source) => resolve(source) === resolve(rejectsPath)))
    throw new WindrowError('USAGE', `--rejects ${rejectsPath} would replace a file that is to be loaded`);
  const dates = request.dates ?? { from: undefined, to: undefined };
  const { groups, notes, close } = await openSources(request.sources, dates, env, signal);
  for (const line of notes) note(line);
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'windrow-load' });
  try {
    return await loadFiles({
      ...{ stream, groups, concurrency, again, broker, signal, onProgress, note },
      ...{ reading, rejectsPath },
      registry: new AvroRegistry(config.SCHEMA_REGISTRY_URL),
    });
  } finally {
    await broker.close();
    close();
  }
}

/** How many rows may be rejected: of each 100, if `isPercent`. */
export interface RejectLimit {
  rows: number;
  isPercent: boolean;
}

/**
 * @throws WindrowError STOPPED, FILE_UNREADABLE with all files that were not loaded to their end, or ROWS_REJECTED if more rows
 * than the limit were rejected
 */
export function assertLoaded(result: LoadResult, limit: RejectLimit = { rows: 0, isPercent: false }): void {
  const { interrupted, perFile, rejected, read } = result;
  const failures = perFile.flatMap(({ failure }) => failure ?? []);
  if (failures.length > 0) {
    const message = `${failures.length} of ${perFile.length} files could not be loaded to their end:\n  ${failures.join('\n  ')}`;
    throw new WindrowError('FILE_UNREADABLE', message);
  }
  if (interrupted) {
    const message =
      'stopped before the end; loading again sends nothing twice into the tables, and goes on in directories and prefixes';
    throw new WindrowError('STOPPED', message);
  }
  if (rejected <= (limit.isPercent ? (limit.rows * read) / 100 : limit.rows)) return;
  const allowed = `${limit.rows}${limit.isPercent ? ' %' : ''}`;
  const message = `${rejected} of ${read} rows were rejected, and ${allowed} may be; the others were sent. The rejected rows are dead letters; --rejects FILE keeps them in a file. Correct them and load them again, or allow them with --max-rejects ${rejected}.`;
  throw new WindrowError('ROWS_REJECTED', message);
}
