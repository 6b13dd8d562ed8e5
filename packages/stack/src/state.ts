import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { WindrowError } from '@windrow/runtime';
import type { ProcessIdentity } from './process-identity.ts';

export const partNames = ['kafka', 'registry', 's3', 'postgres', 'prometheus'] as const;
export type PartName = (typeof partNames)[number];

export type PartState = 'starting' | 'ready' | 'stopping' | 'stopped' | 'failed';

/** What is written down of a part: enough to find and end it without the process that started it. */
export interface PartRecord {
  name: PartName;
  state: PartState;
  /** Name → port; kept when the part or the whole stack is started again, where they are still free. */
  ports: Record<string, number>;
  /** The leader of its process group, and the part itself. */
  keeper?: ProcessIdentity;
  process?: ProcessIdentity;
  /** Why it failed, with the end of its log. */
  failure?: string;
}

export interface StackRecord {
  /** The process that supervises the parts: `supervisor` is the background one, `embedded` lives in some other program. */
  owner: ProcessIdentity & { kind: 'supervisor' | 'embedded' };
  state: 'starting' | 'ready' | 'failed' | 'stopping';
  failure?: string;
  parts: PartRecord[];
}

/** Where things are. The repository's own directory for what all stacks share, `stateDir` for what is one stack's. */
export const repositoryDir = path.resolve(import.meta.dirname, '../../..');
export const installedPartsDir = path.join(repositoryDir, '.windrow/parts');
export const defaultStateDir = path.join(repositoryDir, '.windrow');

export interface StackPaths {
  stateDir: string;
  record: string;
  ports: string;
  env: string;
  logs: string;
  data: string;
  prometheus: string;
}

/** The paths of a stack; makes its directory, and resolves links so that one directory has one name. */
export function stackPaths(stateDir: string): StackPaths {
  mkdirSync(stateDir, { recursive: true });
  const real = realpathSync(stateDir);
  return {
    stateDir: real,
    record: path.join(real, 'stack.json'),
    ports: path.join(real, 'ports.json'),
    env: path.join(real, 'stack.env'),
    logs: path.join(real, 'logs'),
    data: path.join(real, 'data'),
    prometheus: path.join(real, 'prometheus'),
  };
}

export function logFile(paths: StackPaths, part: string): string {
  return path.join(paths.logs, `${part}.log`);
}

/** Replaces a file as a whole: a reader sees the old or the new content. */
export function writeWhole(file: string, content: string, mode = 0o644): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, file);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new WindrowError('FILE_UNREADABLE', `${file} can't be read`, { cause: error });
  }
}

export function readJson<T>(file: string): T | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new WindrowError('FILE_UNREADABLE', `${file} is not JSON; delete it and start the stack again`, {
      cause: error,
    });
  }
}

/** Environment variables of the design: how a service finds the parts. Values of parts that don't run are absent. */
export type StackEndpoints = Record<string, string>;

export function writeEnv(file: string, endpoints: StackEndpoints): void {
  const lines = Object.entries(endpoints).map(([name, value]) => `${name}=${value}\n`);
  writeWhole(file, lines.join(''), 0o600);
}

/**
 * Adds names to the stack's endpoints, such as those of services that run on it, and takes those out whose value is
 * undefined. Does nothing where no stack runs.
 */
export function setEnvironmentNames(stateDir: string, names: Record<string, string | undefined>): void {
  const file = path.join(stateDir, 'stack.env');
  if (!existsSync(file)) return;
  const merged = Object.entries({ ...readStackEnv(stateDir), ...names });
  writeEnv(
    file,
    Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== undefined)),
  );
}

/** The endpoints of the stack of `stateDir`. Throws STACK_PART_FAILED when none was started there. */
export function readStackEnv(stateDir: string): StackEndpoints {
  const file = path.join(stateDir, 'stack.env');
  const text = readIfThere(file);
  if (text === undefined) {
    throw new WindrowError(
      'STACK_PART_FAILED',
      `no stack runs in ${stateDir}: start it with windrow stack up`,
    );
  }
  const endpoints: StackEndpoints = {};
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) endpoints[line.slice(0, at)] = line.slice(at + 1);
  }
  return endpoints;
}

/** The last lines of a part's log, indented, for a message. */
export function logEnd(paths: StackPaths, part: string, lines = 15): string {
  const text = readIfThere(logFile(paths, part))?.trimEnd();
  if (!text) return '    (its log is empty)';
  return text
    .split('\n')
    .slice(-lines)
    .map((line) => `    ${line.slice(0, 400)}`)
    .join('\n');
}
