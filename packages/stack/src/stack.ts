import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { WindrowError } from '@windrow/runtime';
import { kafka } from './parts/kafka.ts';
import type { Part, PartContext } from './parts/part.ts';
import { postgres } from './parts/postgres.ts';
import { prometheus } from './parts/prometheus.ts';
import { registry } from './parts/registry.ts';
import { s3 } from './parts/s3.ts';
import { choosePorts } from './ports.ts';
import { writeScrapeTargets } from './scrape-targets.ts';
import { type PartRecord, stackGroup } from './stack-record.ts';
import {
  type PartName,
  partNames,
  type StackEndpoints,
  type StackPaths,
  stackPaths,
  writeEnv,
} from './state.ts';
import { SupervisedGroup } from './supervision/group.ts';
import type { OwnerKind } from './supervision/record.ts';
import type { ProcessDefinition } from './supervision/supervised-process.ts';

const allParts: Record<PartName, Part> = { kafka, registry, s3, postgres, prometheus };

const readyWithinMs = 120_000;
const stopGraceMs = 10_000;

export interface StackOptions {
  /** The stack's directory: its record, endpoints, logs and data. Each stack needs its own. */
  stateDir: string;
  /** Progress, one line a call. Default: silent. */
  log?: (line: string) => void;
  /** Default: all; Prometheus only if it is installed. */
  parts?: readonly PartName[];
  /** A part ended although nobody stopped it. The error shows the end of its log. The other parts keep running. */
  onPartDied?: (error: WindrowError) => void;
}

export interface Stack {
  stateDir: string;
  /** Environment names → values, as in `stack.env`. */
  endpoints: StackEndpoints;
  /** The parts as they are now. */
  readonly parts: PartRecord[];
  /** Stops a part, which keeps its port. Default signal: the one that stops it cleanly. */
  stopPart(name: PartName, options?: { signal?: NodeJS.Signals }): Promise<void>;
  /**
   * Starts a part that was stopped or died; fulfilled when it is ready. Kafka, the registry and Postgres keep their data,
   * S3 is empty.
   */
  startPart(name: PartName): Promise<void>;
  restartPart(name: PartName, options?: { signal?: NodeJS.Signals }): Promise<void>;
  /** Sends a signal to a part as if from outside: SIGKILL is a crash, SIGSTOP and SIGCONT are a pause. */
  signalPart(name: PartName, signal: NodeJS.Signals): void;
  /** Stops all parts and removes their data. Logs are kept. */
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
  for (const part of lacking) log(`${part.name}: skipped, because this is not installed: ${part.missing()}`);
  return wanted.filter((part) => !lacking.includes(part));
}

/** LocalStack starts empty, so the other parts must not keep data that refers to its objects. */
function clearState(paths: StackPaths): void {
  rmSync(paths.data, { recursive: true, force: true });
  rmSync(paths.prometheus, { recursive: true, force: true });
  rmSync(paths.env, { force: true });
  mkdirSync(paths.data, { recursive: true });
}

/** What all parts get to know of their stack. */
async function contextsOf(parts: Part[], paths: StackPaths): Promise<{ part: Part; context: PartContext }[]> {
  const portKeys = parts.flatMap((part) => part.portNames.map((name) => `${part.name}.${name}`));
  const chosen = await choosePorts(paths, portKeys);
  const password = randomBytes(12).toString('hex');
  return parts.map((part) => {
    const ports = Object.fromEntries(
      part.portNames.map((name) => [name, chosen[`${part.name}.${name}`] as number]),
    );
    return { part, context: { paths, ports, dataDir: path.join(paths.data, part.name), password } };
  });
}

function definitionOf(part: Part, context: PartContext): ProcessDefinition<PartName> {
  return {
    name: part.name,
    ports: context.ports,
    launch: () => part.launch(context),
    check: () => part.check(context),
    readyWithinMs,
    stopSignal: part.stopSignal,
    stopGraceMs,
  };
}

/**
 * Starts Kafka, the registry, S3, Postgres and Prometheus as children of this process, in parallel, on loopback, without
 * data. Fulfilled when each has passed its readiness check. They stop when this process ends, even by a crash.
 * @throws WindrowError STACK_PREREQUISITE_MISSING; STACK_PART_FAILED with the end of the part's log, after all were stopped
 */
export async function startStack(options: StackOptions, owner: OwnerKind = 'embedded'): Promise<Stack> {
  const { log = () => undefined } = options;
  const paths = stackPaths(options.stateDir);
  const selected = selectParts(options.parts, log);
  const group = await SupervisedGroup.claim<PartName>(stackGroup, paths, { owner, log });
  const stop = () =>
    group.stop(() => {
      rmSync(paths.env, { force: true });
      rmSync(paths.data, { recursive: true, force: true });
    });
  try {
    clearState(paths);
    const parts = await contextsOf(selected, paths);
    writeScrapeTargets(paths, []);
    await group.start(
      parts.map(({ part, context }) => definitionOf(part, context)),
      options.onPartDied,
    );
    const endpoints: StackEndpoints = Object.assign(
      {},
      ...parts.map(({ part, context }) => part.endpoints(context)),
    );
    writeEnv(paths.env, endpoints);
    group.markReady();
    return {
      stateDir: paths.stateDir,
      endpoints,
      parts: group.records,
      stopPart: (name, { signal } = {}) => group.process(name).stop(signal),
      startPart: (name) => group.process(name).start(),
      async restartPart(name, { signal } = {}) {
        await group.process(name).stop(signal);
        await group.process(name).start();
      },
      signalPart: (name, signal) => group.process(name).signal(signal),
      stop,
    };
  } catch (error) {
    await stop().catch(() => undefined); // the first error explains the failure
    throw error;
  }
}
