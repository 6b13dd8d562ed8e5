import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GroupCommit, type GroupCommitMetrics } from './group-commit.ts';
import { KafkaBroker } from './kafka/kafka-broker.ts';

const mib = 1024 * 1024;
let queuedBytes = 0;
const metrics: GroupCommitMetrics = {
  sendSeconds: { startTimer: () => () => undefined },
  sendRecords: { observe: () => undefined },
  queuedBytes: {
    set(bytes) {
      queuedBytes = bytes;
    },
  },
};

let away: KafkaBroker;
let commit: GroupCommit;
beforeEach(() => {
  // Nothing listens on the discard port.
  away = new KafkaBroker({ brokers: ['127.0.0.1:9'], clientId: 'group-commit-test' });
  commit = new GroupCommit(away, { metrics });
});
afterEach(async () => {
  await commit.close();
  await away.close();
});

const send = (bytes: number, signal?: AbortSignal) =>
  commit.send([{ topic: 't', records: [{ key: null, value: Buffer.alloc(bytes) }] }], signal);

it('holds no more than 64 MiB for a Kafka that is away, and refuses the rest at once', async () => {
  const giveUp = new AbortController();
  const waiting = Array.from({ length: 63 }, () => send(mib, giveUp.signal));
  const settled = Promise.allSettled(waiting);
  await expect(send(2 * mib)).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE', retriable: true });
  expect(queuedBytes).toBeGreaterThan(62 * mib);
  expect(queuedBytes).toBeLessThanOrEqual(64 * mib);

  // Callers that give up take back what they brought.
  giveUp.abort(new Error('given up'));
  for (const result of await settled) expect(result).toMatchObject({ reason: { message: 'given up' } });
  await vi.waitFor(() => expect(queuedBytes).toBe(0), { timeout: 50_000 });
});

it('takes one send however large, where nothing waits', async () => {
  const giveUp = new AbortController();
  const sent = send(65 * mib, giveUp.signal);
  await expect(send(1)).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE' });
  giveUp.abort(new Error('given up'));
  await expect(sent).rejects.toThrow('given up');
});
