import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { must } from '@windrow/runtime/testing';

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
}
/** As much of V8's `.cpuprofile` as is read here (https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile). */
interface Profile {
  nodes: ProfileNode[];
  /** Microseconds, on the same clock for all threads. */
  startTime: number;
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

/** A part of the code, and the processor's time that was spent in it and not in what it calls. */
export interface ProfiledArea {
  name: string;
  seconds: number;
  /** Its functions, those with the most time first. */
  functions: { name: string; seconds: number }[];
}

/**
 * Adds up all profiles that a process and its threads have left in a folder. Waiting is left out, and so are the first seconds:
 * those of the process' start.
 */
export function profiledAreas(dir: string, firstSeconds: number): ProfiledArea[] {
  const areas = new Map<string, Map<string, number>>();
  const profiles = readdirSync(dir)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => JSON.parse(readFileSync(path.join(dir, name), 'utf8')) as Profile);
  const fromMicros = Math.min(...profiles.map(({ startTime }) => startTime)) + firstSeconds * 1e6;
  for (const profile of profiles) {
    let atMicros = profile.startTime;
    const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
    for (const [index, id] of profile.samples.entries()) {
      const { functionName, url } = must(frames.get(id));
      atMicros += must(profile.timeDeltas[index]);
      if (functionName === '(idle)' || atMicros <= fromMicros) continue;
      const area = areaOf(url, functionName);
      const functions = areas.get(area) ?? new Map<string, number>();
      const name = functionName || '(anonymous)';
      functions.set(name, (functions.get(name) ?? 0) + must(profile.timeDeltas[index]) / 1e6);
      areas.set(area, functions);
    }
  }
  const mostFirst = <T extends { seconds: number }>(all: T[]) => all.sort((a, b) => b.seconds - a.seconds);
  return mostFirst(
    [...areas].map(([name, functions]) => ({
      name,
      seconds: [...functions.values()].reduce((sum, seconds) => sum + seconds, 0),
      functions: mostFirst([...functions].map(([called, seconds]) => ({ name: called, seconds }))),
    })),
  );
}

/** A package that we use, a folder of ours, Node, or what V8 says of itself. */
function areaOf(url: string, functionName: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName.slice(1, -1) : 'native code';
  if (url.startsWith('node:')) return 'Node';
  if (url.startsWith('wasm:')) return 'WebAssembly';
  const used = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (used && !used.startsWith('@windrow/')) return used;
  return (
    /\/((?:packages|services)\/[^/]+\/src(?:\/[^/]+(?=\/))?)/.exec(url)?.[1]?.replace('/src', '') ?? 'else'
  );
}
