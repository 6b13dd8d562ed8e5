import { addressOf, type ServiceRecord, sumOf } from '@windrow/stack';

const everyMs = 500;
/** The memory of a new process grows. With fewer samples there is no verdict. */
const leastSamples = 60;
/** The allowed growth of the second half's peak: heaps vary, and services remember the ids of a day. */
const growth = { ratio: 1.25, bytes: 48 * 2 ** 20 };

export interface MemorySeen {
  service: string;
  /** The peaks of the first and of the second half of the time. */
  firstBytes: number;
  secondBytes: number;
  hasGrown: boolean;
}

/** Samples the memory of a service's process until it is stopped. */
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
