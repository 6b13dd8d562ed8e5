import { addressOf, type ServiceRecord, sumOf } from '@windrow/stack';

const everyMs = 500;
/** A process that has just begun its work grows; before so many samples nothing can be said. */
const leastSamples = 60;
/** The second half may have so much more than the first one: heaps breathe, and the ids of a day are remembered. */
const growth = { ratio: 1.25, bytes: 48 * 2 ** 20 };

export interface MemorySeen {
  service: string;
  /** The peaks of the first half and of the second half of the time. */
  firstBytes: number;
  secondBytes: number;
  hasGrown: boolean;
}

/** What a service's process takes, sampled until it is stopped. */
export class MemoryWatch {
  readonly #service: ServiceRecord;
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();

  constructor(service: ServiceRecord) {
    this.#service = service;
    this.#timer = setInterval(() => {
      this.#looking = this.#look();
    }, everyMs);
  }

  async #look(): Promise<void> {
    const url = `${addressOf(this.#service)}/metrics`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    const bytes = sumOf('process_resident_memory_bytes', (await response?.text()) ?? '');
    if (bytes !== undefined) this.#samples.push(bytes);
  }

  async stop(): Promise<MemorySeen> {
    clearInterval(this.#timer);
    await this.#looking;
    const half = Math.ceil(this.#samples.length / 2);
    const firstBytes = Math.max(0, ...this.#samples.slice(0, half));
    const secondBytes = Math.max(0, ...this.#samples.slice(half));
    const isLong = this.#samples.length >= leastSamples;
    const hasGrown = isLong && secondBytes > firstBytes * growth.ratio + growth.bytes;
    return { service: this.#service.name, firstBytes, secondBytes, hasGrown };
  }
}
