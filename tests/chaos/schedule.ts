import { must } from '@windrow/runtime/testing';
import type { ServiceName } from '@windrow/stack';
import { Deck, Draw } from './draw.ts';
import type { NetworkFault } from './fault-proxy.ts';

export interface InstanceName {
  service: ServiceName;
  number: 1 | 2;
}

/** A fault of the plan. `holdMs`: the time from its start to its end; for a restart, the downtime. */
export type Fault = { atMs: number; holdMs: number } & (
  | { kind: 'service kill -9' | 'service zombie' | 'service stop'; instance: InstanceName }
  | { kind: 'service crash at failpoint'; instance: InstanceName; failpoint: string }
  | { kind: 'service one more'; service: ServiceName }
  | { kind: 'Kafka kill -9' | 'Kafka restart' | 'Kafka paused' }
  | { kind: 'Postgres kill -9' | 'Postgres restart' }
  | { kind: `S3 ${string}` | `registry ${string}`; network: NetworkFault }
);
export type FaultKind = Fault['kind'];

/** How often each kind occurs in a round of the deck. */
const round: Record<string, number> = {
  'service kill -9': 5,
  'service zombie': 3,
  'service stop': 2,
  'service one more': 2,
  'service crash at failpoint': 6,
  'Kafka kill -9': 1,
  'Kafka restart': 1,
  'Kafka paused': 1,
  'Postgres kill -9': 1,
  'Postgres restart': 1,
  'S3 cut off': 1,
  'S3 slow': 1,
  'S3 half-open': 1,
  'S3 cut in mid-upload': 1,
  'S3 answers lost': 1,
  'S3 503 SlowDown': 1,
  'registry cut off': 1,
  'registry half-open': 1,
};

/**
 * More than the consumers' session timeout of 10 s: a process stopped for longer has lost its partitions when it continues.
 */
const zombieMs = { least: 12_000, most: 20_000 };
/** The time limit for a process to reach its failpoint. */
const failpointMs = 30_000;
/**
 * The time for a target to recover and work before the next fault. A consumer group waits for a dead member until its session
 * times out. With more frequent faults it would never make progress, and no fault would meet a commit.
 */
const restMs = { Kafka: 25_000, group: 18_000, others: 10_000 };
/** How often a second process of a group is struck in spite of this. */
const bothShare = 0.15;

const services: readonly ServiceName[] = ['producer', 'enricher', 'lake-sink', 'postgres-sink'];
const joining: readonly ServiceName[] = ['enricher', 'lake-sink', 'postgres-sink'];
const instances: readonly InstanceName[] = services.flatMap((service) => [
  { service, number: 1 },
  { service, number: 2 },
]);

export const nameOf = ({ service, number }: { service: string; number: number }): string =>
  `${service}-${number}`;

/** The target of a fault. Of two faults with the same target, the second waits for the first. */
export function struckBy(fault: Fault): string {
  if ('instance' in fault) return nameOf(fault.instance);
  if ('service' in fault) return nameOf({ service: fault.service, number: 3 });
  return must(fault.kind.split(' ', 1)[0]);
}

export interface ScheduleOptions {
  seed: number;
  /** The time from the start of the first fault to the end of the last. */
  durationMs: number;
  failpoints: readonly string[];
  /** The time between the starts of two faults. */
  gapMs: { least: number; most: number };
}

/** All faults of a run in the order of their starts. The same options give the same faults. */
export function planFaults({ seed, durationMs, failpoints, gapMs }: ScheduleOptions): Fault[] {
  const draw = new Draw(seed);
  const kinds = new Deck(
    Object.entries(round).flatMap(([kind, times]) => new Array<string>(times).fill(kind)),
    draw,
  );
  const names = new Deck(failpoints, draw);
  const faults: Fault[] = [];
  /** Target → the time until which it is busy or recovering. */
  const busy = new Map<string, number>();
  for (let atMs = 0; atMs < durationMs; atMs += draw.between(gapMs.least, gapMs.most)) {
    const isFree = (name: string) => (busy.get(name) ?? 0) <= atMs;
    let fault: Fault | undefined;
    kinds.deal((kind) => {
      const drawn = drawFault(kind, atMs, isFree, draw, names);
      if (!drawn || atMs + drawn.holdMs > durationMs) return false;
      fault = drawn;
      return true;
    });
    if (!fault) continue;
    faults.push(fault);
    const struck = struckBy(fault);
    const endMs = atMs + fault.holdMs;
    busy.set(struck, endMs + (struck === 'Kafka' ? restMs.Kafka : restMs.others));
    // The time of a failpoint is a maximum: usually its process dies and is back after a few seconds.
    const goneMs = fault.kind === 'service crash at failpoint' ? atMs : endMs;
    for (const group of joining) if (struck.startsWith(group)) busy.set(group, goneMs + restMs.group);
  }
  return faults;
}

function drawFault(
  kind: string,
  atMs: number,
  isFree: (struck: string) => boolean,
  draw: Draw,
  failpoints: Deck<string>,
): Fault | undefined {
  const of = (fault: object, holdMs: number) => ({ atMs, kind, holdMs, ...fault }) as Fault;
  const both = draw.chance(bothShare);
  const free = instances.filter((instance) => isFree(nameOf(instance)) && (both || isFree(instance.service)));
  if (kind === 'service one more') {
    const service = draw.one(joining);
    return isFree(nameOf({ service, number: 3 })) ? of({ service }, draw.between(8_000, 20_000)) : undefined;
  }
  if (kind === 'service crash at failpoint') {
    const name = failpoints.deal((name) => free.some(({ service }) => isIn(name, service)));
    if (name === undefined) return undefined;
    const instance = draw.one(free.filter(({ service }) => isIn(name, service)));
    return of({ instance, failpoint: `${name}#${draw.between(1, 3)}` }, failpointMs);
  }
  if (kind.startsWith('service ')) {
    if (free.length === 0) return undefined;
    const holdMs =
      kind === 'service zombie'
        ? draw.between(zombieMs.least, zombieMs.most)
        : kind === 'service stop'
          ? draw.between(500, 6_000)
          : 0;
    return of({ instance: draw.one(free) }, holdMs);
  }
  if (!isFree(must(kind.split(' ', 1)[0]))) return undefined;
  const network = networkFault(kind, draw);
  return of(network ? { network } : {}, draw.between(1_000, 8_000));
}

/** `lake.commit.beforePut` is a step of the lake sink. */
function isIn(failpoint: string, service: ServiceName): boolean {
  return service.split('-', 1)[0] === failpoint.split('.', 1)[0];
}

function networkFault(kind: string, draw: Draw): NetworkFault | undefined {
  switch (kind.replace(/^\S+ /, '')) {
    case 'cut off':
      return { kind: 'cut' };
    case 'slow':
      return { kind: 'slow', delayMs: draw.between(100, 800) };
    case 'half-open':
      return { kind: 'halfOpen' };
    case 'cut in mid-upload':
      return { kind: 'cutUploads', bytes: draw.between(600, 6_000) };
    case 'answers lost':
      return { kind: 'loseAnswers' };
    case '503 SlowDown':
      return { kind: 'refuse' };
    default:
      return undefined;
  }
}
