import type { WriteKey } from '@windrow/contracts';
import { HttpError } from '../http-error.ts';
import { type DailyUsage, dayOf } from './daily-usage.ts';
import type { KeyTable } from './key-table.ts';
import { TokenBucket } from './token-bucket.ts';

/** Events that were let pass, to be taken back where they don't go through. */
export interface Admission {
  keyId: string;
  day: string;
  events: number;
}

const dayMs = 86_400_000;

/** Who may send what, and how much of it. */
export class Access {
  readonly #keys: Pick<KeyTable, 'find'>;
  readonly #usage: DailyUsage;
  readonly #required: boolean;
  /** By record: one that is replaced begins anew. */
  readonly #buckets = new WeakMap<WriteKey, TokenBucket>();

  /** `required`: false lets requests without a key pass; one with a wrong key never does. */
  constructor(options: { keys: Pick<KeyTable, 'find'>; usage: DailyUsage; required: boolean }) {
    this.#keys = options.keys;
    this.#usage = options.usage;
    this.#required = options.required;
  }

  /** What is known of the key; null where there is none and none is needed. Error: HttpError 401, 403 */
  authenticate(key: string | undefined, stream: string): WriteKey | null {
    if (key === undefined) {
      if (!this.#required) return null;
      const where = 'as the user name of HTTP Basic authentication, or as writeKey in the body';
      throw unauthorized('write_key_missing', `Send a write key, ${where}.`);
    }
    const known = this.#keys.find(key);
    if (!known) throw unauthorized('write_key_unknown', 'Nobody has been given this write key.');
    if (known.revoked_at !== null) {
      const since = new Date(known.revoked_at).toISOString();
      throw unauthorized('write_key_revoked', `This write key was revoked at ${since}.`);
    }
    if (known.streams !== null && !known.streams.includes(stream)) {
      const message = `This write key is for ${known.streams.join(', ')}, not for ${stream}.`;
      throw new HttpError(403, 'stream_not_allowed', message);
    }
    return known;
  }

  /** Whether anything can pass at all now, to be asked before a body is read. Error: HttpError 429 */
  checkRate(key: WriteKey, nowMs = performance.now()): void {
    const waitMs = this.#bucketOf(key, nowMs)?.waitMs(nowMs) ?? 0;
    if (waitMs > 0)
      throw tooMany('rate_exceeded', `More than ${key.events_per_second} events a second.`, waitMs);
  }

  /** Counts the events, if the key's rate and quota have room for them. Null: its key has no quota. Error: HttpError 429 */
  admit(key: WriteKey, events: number): Admission | null {
    const nowMs = performance.now();
    this.checkRate(key, nowMs);
    const admission = this.#admitToday(key, events, Date.now());
    this.#bucketOf(key, nowMs)?.take(events);
    return admission;
  }

  /** They did not go through: the client is told to send them again. */
  takeBack({ keyId, day, events }: Admission): void {
    this.#usage.add(keyId, day, -events);
  }

  #admitToday(key: WriteKey, events: number, dateMs: number): Admission | null {
    if (key.events_per_day === null) return null;
    const day = dayOf(dateMs);
    const used = this.#usage.eventsOf(key.id, day);
    if (used + events > key.events_per_day) {
      const message = `${used} of ${key.events_per_day} events of ${day} (UTC) are used; ${events} more are over it.`;
      const untilMidnightMs = dayMs - (dateMs % dayMs);
      throw tooMany('quota_exceeded', message, untilMidnightMs);
    }
    this.#usage.add(key.id, day, events);
    return { keyId: key.id, day, events };
  }

  #bucketOf(key: WriteKey, nowMs: number): TokenBucket | undefined {
    if (key.events_per_second === null) return undefined;
    const bucket = this.#buckets.get(key) ?? new TokenBucket(key.events_per_second, nowMs);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

function unauthorized(reason: string, message: string): HttpError {
  // A challenge has to be there (RFC 9110, 15.5.2); on `Basic` a browser would ask its user for a password.
  return new HttpError(401, reason, message, { 'www-authenticate': 'WriteKey realm="windrow"' });
}

function tooMany(reason: string, message: string, waitMs: number): HttpError {
  return new HttpError(429, reason, message, { 'retry-after': Math.ceil(waitMs / 1_000) });
}
