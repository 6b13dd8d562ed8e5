import { rmSync } from 'node:fs';
import { type PartRecord, stackGroup } from './stack-record.ts';
import { type PartName, readStackEnv, type StackEndpoints, stackPaths } from './state.ts';
import { type GroupStatus, groupStatus, startInBackground, stopGroup } from './supervision/background.ts';

export interface BackgroundOptions {
  stateDir: string;
  log?: (line: string) => void;
  parts?: readonly PartName[];
}

/**
 * `windrow stack up`: starts the stack under a supervisor process in the background. Returns its endpoints when all parts
 * are ready, or those of a stack that is ready already.
 * @throws WindrowError as startStack
 */
export async function startBackgroundStack(options: BackgroundOptions): Promise<StackEndpoints> {
  const paths = stackPaths(options.stateDir);
  if (stackStatus(paths.stateDir).state === 'ready') {
    options.log?.(`the stack of ${paths.stateDir} is running already`);
  } else {
    const { parts: names = [], log = () => undefined } = options;
    await startInBackground(stackGroup, paths, { names, env: process.env, log });
  }
  return readStackEnv(paths.stateDir);
}

/**
 * `windrow stack down`: fulfilled when no process of the stack is running. `stopped` is false if none was.
 * @throws WindrowError USAGE if the stack is embedded in another program
 */
export async function stopStack(stateDir: string): Promise<{ stopped: boolean; leftovers: number }> {
  const paths = stackPaths(stateDir);
  const { supervised, leftovers } = await stopGroup(stackGroup, paths, () => {
    rmSync(paths.env, { force: true });
    rmSync(paths.data, { recursive: true, force: true });
  });
  return { stopped: supervised || leftovers > 0, leftovers };
}

export interface StackStatus {
  /**
   * `stopped`: never started, or stopped; `crashed`: its supervisor ended without stopping it; `failed`: a part died after
   * all had been ready.
   */
  state: GroupStatus<PartName>['state'] | 'failed';
  supervisorPid?: number;
  parts: PartRecord[];
}

export function stackStatus(stateDir: string): StackStatus {
  const { processes: parts, ...status } = groupStatus<PartName>(stackGroup, stackPaths(stateDir));
  const died = status.state === 'ready' && parts.some(({ state }) => state === 'failed');
  return { ...status, state: died ? 'failed' : status.state, parts };
}
