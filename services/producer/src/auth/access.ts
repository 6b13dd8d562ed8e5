import type { WriteKey } from '@windrow/contracts';
import { HttpError } from '../http-error.ts';
import { type DailyUsage, dayOf } from './daily-usage.ts';
import type { KeyTable } from './key-table.ts';
import { TokenBucket } from './token-bucket.ts';

/** Events that were counted against a daily quota. {@link Access.takeBack} subtracts them if they fail to reach Kafka. */
export interface Admission {
  keyId: string;
  day: string;
  events: number;
}

const dayMs = 86_400_000;

/** Authenticates write keys and enforces their streams, rates and daily quotas. */
export class Access {
  readonly #keys: Pick<KeyTable, 'find'>;
  readonly #usage: DailyUsage;
  readonly #required: boolean;
  /** By key record: when a record is replaced, its bucket starts full. */
  readonly #buckets = new WeakMap<WriteKey, TokenBucket>();

  /** @param options `required`: if false, requests without a key are accepted; requests with an invalid key never are */
  constructor(options: { keys: Pick<KeyTable, 'find'>; usage: DailyUsage; required: boolean }) {
    this.#keys = options.keys;
    this.#usage = options.usage;
    this.#required = options.required;
  }

  /**
   * @returns the record of the key; null if the request has no key and needs none
   * @throws HttpError 401, 403
   */
  authenticate(key: string | undefined, stream: string): WriteKey | null {
    if (key === undefined) {
      if (!this.#required) return null;
      const where = 'as the user name of HTTP Basic authentication, or as writeKey in the body';
      throw unauthorized('write_key_missing', `Send a write key, ${where}.`);
    }
    const known = this.#keys.find(key);
    if (!known) throw unauthorized('write_key_unknown', 'This write key does not exist.');
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

  /** Checks the rate before a body is read. @throws HttpError 429 while no event can be accepted */
  checkRate(key: WriteKey, nowMs = performance.now()): void {
    const waitMs = this.#bucketOf(key, nowMs)?.waitMs(nowMs) ?? 0;
    if (waitMs > 0)
      throw tooMany(
        'rate_exceeded',
        `The write key exceeds its limit of ${key.events_per_second} events per second.`,
        waitMs,
      );
  }

  /**
   * Counts the events against the key's rate and daily quota.
   * @returns null if the key has no quota
   * @throws HttpError 429 if the rate or the quota is exceeded
   */
  admit(key: WriteKey, events: number): Admission | null {
    const nowMs = performance.now();
    this.checkRate(key, nowMs);
    const admission = this.#admitToday(key, events, Date.now());
    this.#bucketOf(key, nowMs)?.take(events);
    return admission;
  }

  /** Subtracts events that did not reach Kafka: the client will send them again. */
  takeBack({ keyId, day, events }: Admission): void {
    this.#usage.add(keyId, day, -events);
  }

  #admitToday(key: WriteKey, events: number, dateMs: number): Admission | null {
    if (key.events_per_day === null) return null;
    const day = dayOf(dateMs);
    const used = this.#usage.eventsOf(key.id, day);
    if (used + events > key.events_per_day) {
      const message = `The write key has sent ${used} of its ${key.events_per_day} events for ${day} (UTC); ${events} more would exceed this quota.`;
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
  // RFC 9110, 15.5.2 requires a challenge. With `Basic`, a browser would ask its user for a password.
  return new HttpError(401, reason, message, { 'www-authenticate': 'WriteKey realm="windrow"' });
}

function tooMany(reason: string, message: string, waitMs: number): HttpError {
  return new HttpError(429, reason, message, { 'retry-after': Math.ceil(waitMs / 1_000) });
}
