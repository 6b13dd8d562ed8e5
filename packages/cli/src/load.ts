import { AvroRegistry, loadStreams, streamNamed } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { type LoadProgress, type LoadResult, loadFiles } from '@windrow/producer';
import { kafkaConfig, loadConfig, registryConfig } from '@windrow/runtime';
import { Presets, SingleBar } from 'cli-progress';
import type { CommandContext } from './context.ts';
import { count } from './tables.ts';

const plainLineEveryMs = 3_000;

/** Sends files to a stream with its progress on standard error. Errors: those of the producer's `loadFiles`, CONFIG_INVALID. */
export async function loadInto(
  env: NodeJS.ProcessEnv,
  { stream, files, context }: { stream: string; files: readonly string[]; context: CommandContext },
): Promise<LoadResult> {
  const config = loadConfig(kafkaConfig.extend(registryConfig.shape), env);
  const contract = streamNamed(await loadStreams(), stream);
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'windrow-load' });
  const display = context.interactive ? progressBar() : plainLines(context.note);
  try {
    return await loadFiles({
      stream: contract,
      files,
      broker,
      registry: new AvroRegistry(config.SCHEMA_REGISTRY_URL),
      onProgress: display.show,
      signal: context.signal,
    });
  } finally {
    display.end();
    await broker.close();
  }
}

interface ProgressDisplay {
  show(progress: LoadProgress): void;
  end(): void;
}

/** A bar for each file, of its bytes on disk; of standard input, whose length is not known, only the counts move. */
function progressBar(): ProgressDisplay {
  let bar: SingleBar | undefined;
  let current: string | undefined;
  return {
    show({ file, bytesRead, totalBytes, read, sent, rejected }) {
      const counts = { file: nameOf(file), read: count(read), sent: count(sent), rejected: count(rejected) };
      if (file !== current) {
        bar?.stop();
        current = file;
        bar = new SingleBar(
          {
            format: '{file} [{bar}] {percentage} % · {read} read · {sent} sent · {rejected} dead letters',
            stream: process.stderr,
            hideCursor: true,
            barsize: 24,
            etaBuffer: 50,
            gracefulExit: true,
          },
          Presets.shades_classic,
        );
        bar.start(totalBytes ?? 0, bytesRead, counts);
      }
      bar?.update(bytesRead, counts);
    },
    end: () => bar?.stop(),
  };
}

function plainLines(note: (line: string) => void): ProgressDisplay {
  let dueMs = performance.now() + plainLineEveryMs;
  return {
    show({ file, bytesRead, totalBytes, read, sent, rejected }) {
      if (performance.now() < dueMs) return;
      dueMs = performance.now() + plainLineEveryMs;
      const share = totalBytes ? ` ${Math.round((100 * bytesRead) / totalBytes)} %:` : ':';
      note(
        `${nameOf(file)}${share} ${count(read)} read, ${count(sent)} sent, ${count(rejected)} dead letters`,
      );
    },
    end: () => undefined,
  };
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
