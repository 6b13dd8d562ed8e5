import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { WindrowError } from '@windrow/runtime';
import { claimStateDir } from './claim.ts';
import { kafka } from './parts/kafka.ts';
import type { Part } from './parts/part.ts';
import { postgres } from './parts/postgres.ts';
import { prometheus } from './parts/prometheus.ts';
import { registry } from './parts/registry.ts';
import { s3 } from './parts/s3.ts';
import { choosePorts } from './ports.ts';
import { writeScrapeTargets } from './scrape-targets.ts';
import {
  logFile,
  type PartName,
  type PartRecord,
  partNames,
  type StackEndpoints,
  type StackPaths,
  stackPaths,
  writeEnv,
  writeWhole,
} from './state.ts';
import { SupervisedPart } from './supervised-part.ts';

const allParts: Record<PartName, Part> = { kafka, registry, s3, postgres, prometheus };

export interface StackOptions {
  /** The stack's directory: its record, endpoints, logs and data. Two stacks have two. */
  stateDir: string;
  /** Progress, one line a call. Default: silent. */
  log?: (line: string) => void;
  /** Default: all; Prometheus only where it can be had. */
  parts?: readonly PartName[];
  /** A part ended that nobody stopped; the error says how and shows the end of its log. The other parts go on. */
  onPartDied?: (error: WindrowError) => void;
}

export interface Stack {
  stateDir: string;
  /** Environment names → values, as in `stack.env`. */
  endpoints: StackEndpoints;
  /** The parts as they are now. */
  readonly parts: PartRecord[];
  /** Stops one part and leaves it stopped. Its port stays its own. Default signal: the one that stops it cleanly. */
  stopPart(name: PartName, options?: { signal?: NodeJS.Signals }): Promise<void>;
  /** Starts a part that is stopped or has died; fulfilled when it is ready. Kafka, the registry and Postgres find their data again, S3 is empty. */
  startPart(name: PartName): Promise<void>;
  restartPart(name: PartName, options?: { signal?: NodeJS.Signals }): Promise<void>;
  /** Sends a signal to a part as if from outside: SIGKILL is a crash, SIGSTOP and SIGCONT a pause. */
  signalPart(name: PartName, signal: NodeJS.Signals): void;
  /** Stops all parts and removes their data; logs stay. */
  stop(): Promise<void>;
}

function selectParts(names: readonly PartName[] | undefined, log: (line: string) => void): Part[] {
  const wanted = (names ?? partNames).map((name) => allParts[name]);
  const lacking = wanted.filter((part) => part.missing() !== undefined);
  const required = lacking.filter((part) => part.name !== 'prometheus' || names?.includes('prometheus'));
  if (required.length > 0) {
    const list = required.map((part) => part.missing()).join(', ');
    throw new WindrowError('STACK_PREREQUISITE_MISSING', `not installed: ${list}. Run: npm run setup`);
  }
  for (const part of lacking) log(`${part.name}: goes without; not installed: ${part.missing()}`);
  return wanted.filter((part) => !lacking.includes(part));
}

/** The stack begins afresh: LocalStack forgets everything, and the others must not remember what it has forgotten. */
function clearState(paths: StackPaths, parts: Part[]): void {
  rmSync(paths.data, { recursive: true, force: true });
  rmSync(paths.prometheus, { recursive: true, force: true });
  rmSync(paths.env, { force: true });
  for (const dir of [paths.logs, paths.data]) mkdirSync(dir, { recursive: true });
  for (const part of parts) {
    const log = logFile(paths, part.name);
    if (existsSync(log)) renameSync(log, log.replace(/\.log$/, '.previous.log'));
  }
}

/**
 * Starts Kafka, the registry, S3, Postgres and Prometheus as children of this process, at the same time, on loopback,
 * with no data. Fulfilled when each has done once what the pipeline relies on. They end with this process, however it ends.
 * Errors: STACK_PREREQUISITE_MISSING; STACK_PART_FAILED with the end of the part's log, when nothing is left running.
 */
export async function startStack(
  options: StackOptions,
  kind: 'supervisor' | 'embedded' = 'embedded',
): Promise<Stack> {
  const log = options.log ?? (() => undefined);
  const paths = stackPaths(options.stateDir);
  const selected = selectParts(options.parts, log);
  const record = await claimStateDir(paths, kind, log);
  const save = () => writeWhole(paths.record, `${JSON.stringify(record, null, 2)}\n`);
  let parts: SupervisedPart[] = [];

  async function stopAll(): Promise<void> {
    record.state = 'stopping';
    save();
    const results = await Promise.allSettled(parts.map((part) => part.stop()));
    rmSync(paths.env, { force: true });
    rmSync(paths.data, { recursive: true, force: true });
    rmSync(paths.record, { force: true });
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  try {
    clearState(paths, selected);
    const portKeys = selected.flatMap((part) => part.portNames.map((name) => `${part.name}.${name}`));
    const chosen = await choosePorts(paths, portKeys);
    writeScrapeTargets(paths, []);
    const password = randomBytes(12).toString('hex');
    parts = selected.map((part) => {
      const ports = Object.fromEntries(
        part.portNames.map((name) => [name, chosen[`${part.name}.${name}`] as number]),
      );
      const dataDir = path.join(paths.data, part.name);
      return new SupervisedPart(
        part,
        { paths, ports, dataDir, password },
        {
          log,
          changed: save,
          died: (error) => {
            log(error.message);
            options.onPartDied?.(error);
          },
        },
      );
    });
    record.parts = parts.map((part) => part.record);
    save();
    await allOrFirstFailure(parts.map((part) => part.start()));
  } catch (error) {
    await stopAll().catch(() => undefined); // the first error is the one that explains
    throw error;
  }

  const endpoints = Object.assign({}, ...parts.map((part) => part.endpoints())) as StackEndpoints;
  writeEnv(paths.env, endpoints);
  record.state = 'ready';
  save();

  function part(name: PartName): SupervisedPart {
    const found = parts.find((candidate) => candidate.record.name === name);
    if (!found) throw new WindrowError('USAGE', `this stack runs without ${name}`);
    return found;
  }

  let stopping: Promise<void> | undefined;
  return {
    stateDir: paths.stateDir,
    endpoints,
    parts: record.parts,
    stopPart: (name, { signal } = {}) => part(name).stop(signal),
    startPart: (name) => part(name).start(),
    async restartPart(name, { signal } = {}) {
      await part(name).stop(signal);
      await part(name).start();
    },
    signalPart: (name, signal) => part(name).signal(signal),
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

/** Like Promise.all; a name of its own because the rest must not be left to fail unheard. */
async function allOrFirstFailure(promises: Promise<void>[]): Promise<void> {
  for (const promise of promises) promise.catch(() => undefined);
  await Promise.all(promises);
}
