import { WindrowError } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import type { Host } from '../host.ts';
import type { ObjectEntry, ObjectStore } from '../object-store.ts';
import { seededRandom } from './seeded-random.ts';

/** How likely each fault is for each request, 0 to 1. */
export interface StoreFaults {
  /** The request never arrives; its client gets an error. */
  lostRequests: number;
  /** The request is carried out, and its client gets an error. */
  lostAnswers: number;
  /** Its client gets an error first, and the request is carried out at some later time. */
  lateRequests: number;
  /** The request is carried out twice, and the second answer is what its client gets, as after a retry within an SDK. */
  repeatedRequests: number;
}

export const noFaults: StoreFaults = {
  lostRequests: 0,
  lostAnswers: 0,
  lateRequests: 0,
  repeatedRequests: 0,
};

interface Step {
  /** Undefined for what is on its way in the network, which a client's end doesn't stop. */
  client: string | undefined;
  run(): void;
}

/**
 * An object store in memory with any number of clients, for tests that play protocols through. Nothing happens by
 * itself: each request's arrival and each answer's arrival is a step, and `step` takes one at random, so requests of all
 * clients overlap in every way. The same seed and the same calls give the same run, as long as what runs between the
 * steps waits for nothing but this store and the hosts it gives out.
 */
export class MemoryObjectStore {
  readonly objects = new Map<string, { bytes: Uint8Array; modifiedMs: number }>();
  faults: StoreFaults;
  nowMs = Date.UTC(2013, 0, 1);
  readonly #random: () => number;
  readonly #steps: Step[] = [];
  readonly #stopped = new Set<string>();
  readonly #killed = new Set<string>();
  #ids = 0;

  constructor(seed: number, faults: StoreFaults = noFaults) {
    this.#random = seededRandom(seed);
    this.faults = faults;
  }

  /** The store as one process sees it; `name` is what `stop`, `resume` and `kill` go by. */
  client(name: string): ObjectStore {
    const ask = <T>(operation: string, key: string, carryOut: () => T) =>
      this.#request(name, operation, key, carryOut);
    return {
      get: (key) => ask('GET', key, () => this.objects.get(key)?.bytes.slice()),
      put: (key, bytes) => ask('PUT', key, () => this.#set(key, bytes)),
      putIfAbsent: (key, bytes) =>
        ask('conditional PUT', key, () => {
          if (this.objects.has(key)) return false;
          this.#set(key, bytes);
          return true;
        }),
      head: (key) => ask('HEAD', key, () => this.#entry(key)),
      list: (range) => this.#list(ask, range),
      delete: (key) =>
        ask('DELETE', key, () => {
          this.objects.delete(key);
        }),
      url: (key) => `memory://${key}`,
    };
  }

  /** Clock, ids and waiting of one process: seeded, and its waits are steps too. */
  host(name: string): Host {
    return {
      nowMs: () => this.nowMs,
      newId: () => {
        this.#ids += 1;
        return `${Math.floor(this.#random() * 2 ** 32)
          .toString(16)
          .padStart(8, '0')}-${this.#ids}`;
      },
      pause: () => new Promise((resolve) => this.#steps.push({ client: name, run: resolve })),
    };
  }

  /**
   * Takes one step, and lets everything run that it sets going.
   * @returns false when nothing is left to do, or all of it belongs to stopped clients
   */
  async step(): Promise<boolean> {
    await settled();
    const ready = this.#steps.filter(({ client }) => client === undefined || !this.#stopped.has(client));
    const step = ready[Math.floor(this.#random() * ready.length)];
    if (!step) return false;
    this.#steps.splice(this.#steps.indexOf(step), 1);
    step.run();
    await settled();
    return true;
  }

  /** Steps until the promise is settled. A run that can't go on throws. */
  async runUntil<T>(promise: Promise<T>): Promise<T> {
    let pending = true;
    const end = () => {
      pending = false;
    };
    promise.then(end, end);
    while (pending) {
      if (!(await this.step()) && pending) throw new Error('waits for something that never comes');
    }
    return promise;
  }

  /** SIGSTOP: no answer reaches the client, and what it had begun to send still arrives. */
  stop(client: string): void {
    this.#stopped.add(client);
  }

  resume(client: string): void {
    this.#stopped.delete(client);
  }

  /** SIGKILL: nothing of the client goes on. What it had sent still arrives. */
  kill(client: string): void {
    this.#killed.add(client);
    for (let index = this.#steps.length - 1; index >= 0; index--) {
      if (must(this.#steps[index]).client === client) this.#steps.splice(index, 1);
    }
  }

  #request<T>(client: string, operation: string, key: string, carryOut: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#killed.has(client)) return;
      const answer = (run: () => void) => {
        if (!this.#killed.has(client)) this.#steps.push({ client, run });
      };
      const lost = () =>
        reject(new WindrowError('S3_FAILED', `${operation} memory://${key}: no answer`, { retriable: true }));
      const arrival = (run: () => void) => this.#steps.push({ client: undefined, run });
      const fate = this.#random();
      const { lostRequests, lostAnswers, lateRequests, repeatedRequests } = this.faults;
      if (fate < lostRequests) {
        answer(lost);
      } else if (fate < lostRequests + lostAnswers) {
        arrival(() => {
          carryOut();
          answer(lost);
        });
      } else if (fate < lostRequests + lostAnswers + lateRequests) {
        answer(lost);
        arrival(() => void carryOut());
      } else {
        const repeated = fate < lostRequests + lostAnswers + lateRequests + repeatedRequests;
        arrival(() => {
          if (repeated) carryOut();
          const result = carryOut();
          answer(() => resolve(result));
        });
      }
    });
  }

  async *#list(
    ask: <T>(operation: string, key: string, carryOut: () => T) => Promise<T>,
    { prefix, startAfter = '' }: { prefix: string; startAfter?: string },
  ): AsyncIterable<ObjectEntry> {
    yield* await ask('LIST', prefix, () =>
      [...this.objects.keys()]
        .filter((key) => key.startsWith(prefix) && key > startAfter)
        .sort()
        .map((key) => must(this.#entry(key))),
    );
  }

  #entry(key: string): ObjectEntry | undefined {
    const object = this.objects.get(key);
    return object && { key, sizeBytes: object.bytes.length, modifiedMs: object.modifiedMs };
  }

  #set(key: string, bytes: Uint8Array): void {
    this.objects.set(key, { bytes: bytes.slice(), modifiedMs: this.nowMs });
  }
}

/** All that can run without this store has run: promises' reactions come before the next immediate. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
