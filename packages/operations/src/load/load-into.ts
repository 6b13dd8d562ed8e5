import { AvroRegistry, loadStreams, streamNamed } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { kafkaConfig, loadConfig, registryConfig, WindrowError } from '@windrow/runtime';
import type { DateRange } from './date-partition.ts';
import { type LoadProgress, type LoadResult, loadFiles } from './load-files.ts';
import { openSources } from './sources.ts';

export interface LoadRequest {
  stream: string;
  /** Files, `-`, directories, `s3://` objects and prefixes. */
  sources: readonly string[];
  dates?: DateRange;
  /** Files of a directory or prefix at once. */
  concurrency?: number;
  again?: boolean;
  signal: AbortSignal;
  /** Told what of the sources is left out. */
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
  const config = loadConfig(kafkaConfig.extend(registryConfig.shape), env);
  const stream = streamNamed(await loadStreams(), request.stream);
  const dates = request.dates ?? { from: undefined, to: undefined };
  const { groups, notes, close } = await openSources(request.sources, dates, env, signal);
  for (const line of notes) note(line);
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'windrow-load' });
  try {
    return await loadFiles({
      ...{ stream, groups, concurrency, again, broker, signal, onProgress },
      registry: new AvroRegistry(config.SCHEMA_REGISTRY_URL),
    });
  } finally {
    await broker.close();
    close();
  }
}

/** @throws WindrowError STOPPED, or FILE_UNREADABLE with all files that were not loaded to their end */
export function assertLoaded({ interrupted, perFile }: LoadResult): void {
  const failures = perFile.flatMap(({ failure }) => failure ?? []);
  if (failures.length > 0) {
    const message = `${failures.length} of ${perFile.length} files could not be loaded to their end:\n  ${failures.join('\n  ')}`;
    throw new WindrowError('FILE_UNREADABLE', message);
  }
  if (!interrupted) return;
  const message =
    'stopped before the end; loading again sends nothing twice into the tables, and goes on in directories and prefixes';
  throw new WindrowError('STOPPED', message);
}
