import type { WriteKey } from '@windrow/contracts';
import { type DailyUsage, dayOf } from './daily-usage.ts';
import type { KeyTable } from './key-table.ts';
import { TokenBucket } from './token-bucket.ts';

/** Why a request is turned away, by the HTTP status that says it. */
export class AccessRefused extends Error {
  readonly statusCode: 401 | 403 | 429;
  /** Short stable code. */
  readonly reason: string;
  /** With 429. */
  readonly retryAfterSeconds: number | undefined;

  constructor(statusCode: 401 | 403 | 429, reason: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.name = 'AccessRefused';
    this.statusCode = statusCode;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

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

  /** What is known of the key; null where there is none and none is needed. Error: AccessRefused 401, 403 */
  authenticate(key: string | undefined, stream: string): WriteKey | null {
    if (key === undefined) {
      if (!this.#required) return null;
      const where = 'as the user name of HTTP Basic authentication, or as writeKey in the body';
      throw new AccessRefused(401, 'write_key_missing', `Send a write key, ${where}.`);
    }
    const known = this.#keys.find(key);
    if (!known) throw new AccessRefused(401, 'write_key_unknown', 'Nobody has been given this write key.');
    if (known.revoked_at !== null) {
      const since = new Date(known.revoked_at).toISOString();
      throw new AccessRefused(401, 'write_key_revoked', `This write key was revoked at ${since}.`);
    }
    if (known.streams !== null && !known.streams.includes(stream)) {
      const message = `This write key is for ${known.streams.join(', ')}, not for ${stream}.`;
      throw new AccessRefused(403, 'stream_not_allowed', message);
    }
    return known;
  }

  /** Counts the events, if the key's rate and quota have room for them. Null: its key has no quota. Error: AccessRefused 429 */
  admit(
    key: WriteKey,
    events: number,
    now = { ms: performance.now(), dateMs: Date.now() },
  ): Admission | null {
    const bucket = this.#bucketOf(key, now.ms);
    const waitMs = bucket?.waitMs(now.ms) ?? 0;
    if (waitMs > 0) {
      const message = `More than ${key.events_per_second} events a second.`;
      throw new AccessRefused(429, 'rate_exceeded', message, Math.ceil(waitMs / 1_000));
    }
    const admission = this.#admitToday(key, events, now.dateMs);
    bucket?.take(events);
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
      throw new AccessRefused(429, 'quota_exceeded', message, Math.ceil(untilMidnightMs / 1_000));
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
