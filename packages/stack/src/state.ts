import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { WindrowError } from '@windrow/runtime';

export const partNames = ['kafka', 'registry', 's3', 'postgres', 'prometheus'] as const;
export type PartName = (typeof partNames)[number];

/** What all stacks of this clone share. */
export const repositoryDir = path.resolve(import.meta.dirname, '../../..');
export const installedPartsDir = path.join(repositoryDir, '.windrow/parts');
export const defaultStateDir = path.join(repositoryDir, '.windrow');

export interface StackPaths {
  stateDir: string;
  ports: string;
  env: string;
  logs: string;
  data: string;
  prometheus: string;
}

/** Creates the state directory if it does not exist, and resolves links, so that one directory has one name. */
export function stackPaths(stateDir: string): StackPaths {
  mkdirSync(stateDir, { recursive: true });
  const real = realpathSync(stateDir);
  return {
    stateDir: real,
    ports: path.join(real, 'ports.json'),
    env: path.join(real, 'stack.env'),
    logs: path.join(real, 'logs'),
    data: path.join(real, 'data'),
    prometheus: path.join(real, 'prometheus'),
  };
}

export function logFile(paths: StackPaths, name: string): string {
  return path.join(paths.logs, `${name}.log`);
}

/** Keeps the log of the last run as `<name>.previous.log`. */
export function rotateLog(paths: StackPaths, name: string): void {
  const log = logFile(paths, name);
  if (existsSync(log)) renameSync(log, path.join(paths.logs, `${name}.previous.log`));
}

/** Replaces a file atomically: a reader sees either the old or the new content. */
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
    throw new WindrowError('FILE_UNREADABLE', `${file} cannot be read`, { cause: error });
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

/** Environment variables by which a service finds the parts. Those of parts that do not run are absent. */
export type StackEndpoints = Record<string, string>;

export function writeEnv(file: string, endpoints: StackEndpoints): void {
  const lines = Object.entries(endpoints).map(([name, value]) => `${name}=${value}\n`);
  writeWhole(file, lines.join(''), 0o600);
}

/**
 * Adds variables to the stack's endpoints, such as those of services that run on it. A value of undefined removes the
 * variable. Does nothing if no stack is running.
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

/** @throws WindrowError STACK_PART_FAILED if no stack is running in the state directory */
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

/** The last lines of a log, indented, for an error message. */
export function logEnd(paths: StackPaths, name: string, lines = 15): string {
  const text = readIfThere(logFile(paths, name))?.trimEnd();
  if (!text) return '    (its log is empty)';
  return text
    .split('\n')
    .slice(-lines)
    .map((line) => `    ${line.slice(0, 400)}`)
    .join('\n');
}
