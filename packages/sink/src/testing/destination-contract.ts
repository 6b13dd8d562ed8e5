import { randomUUID } from 'node:crypto';
import { AvroRegistry } from '@windrow/contracts';
import { type FetchedBatch, type FetchedRecordBatches, KafkaBroker } from '@windrow/pipeline';
import { createLogger, createRegistry, Readiness } from '@windrow/runtime';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import type { Claim, Destination, Limits, MicroBatch } from '../destination.ts';
import { SinkRunner } from '../sink-runner.ts';
import { deadLettersOf } from './dead-letters-of.ts';
import { Gate } from './gate.ts';

/** Opens the destination as another process would. */
type Opening<Batch extends MicroBatch, C extends Claim> =
  | { intake: 'records'; open(): Promise<Destination<Batch, C, FetchedBatch>> }
  | { intake: 'recordBatches'; open(): Promise<Destination<Batch, C, FetchedRecordBatches>> };

/** An empty destination on a topic of its own, with a topic for its dead letters. */
export type DestinationUnderTest<Batch extends MicroBatch, C extends Claim> = Opening<Batch, C> & {
  topic: string;
  partitions: number;
  registry: AvroRegistry;
  /** The value of a record whose row has this id and {@link padding} of it. */
  encode(id: string): Buffer;
  /** The value of a record that the destination rejects. */
  poison(): Buffer;
  /** The ids of all rows that a reader sees, those that are there twice twice. */
  ids(): Promise<string[]>;
  /** Partition → where the ledger is. */
  ledger(): Promise<Map<number, number>>;
  /** From now on, the next commit is made and its answer is lost. */
  loseAnswer(): void;
  /** Answers that were lost so far. */
  answersLost(): number;
};

/** About a thousand characters, different for each id: equal ones may be stored once. */
export const padding = (id: string): string => id.repeat(28);

const patience = { timeout: 90_000, interval: 100 };
const recordsPerSend = 250;

/**
 * The contract of destinations, on a real Kafka: whatever happens, each record that was sent is there once, as a row or as
 * a dead letter.
 */
export function describeDestination<Batch extends MicroBatch, C extends Claim>(
  name: string,
  create: (broker: KafkaBroker) => Promise<DestinationUnderTest<Batch, C>>,
): void {
  describe(`${name} keeps the contract of destinations`, { timeout: 180_000 }, () => {
    const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = inject('endpoints');
    let broker: KafkaBroker;

    beforeAll(() => {
      broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'destination-contract' });
    });
    afterAll(() => broker.close());

    async function installation() {
      const store = await create(broker);
      const registry = new AvroRegistry(SCHEMA_REGISTRY_URL);
      const producer = await broker.producer();
      onTestFinished(() => producer.close());
      const sent: string[] = [];

      /** A sink of its own group is a former owner that knows nothing of the new one. */
      async function start(options: {
        groupId: string;
        gate?: Gate;
        limits?: Partial<Limits>;
        memoryBytes?: number;
      }) {
        const { groupId, gate = new Gate(true), memoryBytes = 64e6 } = options;
        const failures: unknown[] = [];
        const runner = new SinkRunner<Batch, C>({
          ...(store.intake === 'records'
            ? { intake: store.intake, destinations: [gate.before(await store.open())] }
            : { intake: store.intake, destinations: [gate.before(await store.open())] }),
          lanesPerTopic: 1,
          limits: { maxRows: 500, maxBytes: 16e6, maxAgeMs: 100, ...options.limits },
          memoryBytes,
          ...{ groupId, service: 'destination-contract', version: '1' },
          ...{ broker, schemas: registry, registry: createRegistry('sink'), readiness: new Readiness() },
          log: createLogger('destination-contract', 'fatal'),
          metrics: {
            fillSeconds: { observe: () => undefined },
            retries: { inc: () => undefined },
            conflicts: { inc: () => undefined },
          },
          fail: (error) => failures.push(error),
        });
        await runner.start(new AbortController().signal);
        let stopped: Promise<void> | undefined;
        const stop = () => {
          gate.open();
          stopped ??= runner.stop();
          return stopped;
        };
        onTestFinished(stop);
        onTestFinished(() => expect(failures).toEqual([]));
        return { runner, gate, stop };
      }

      /** Records of all partitions, in order. */
      async function send(count: number): Promise<void> {
        const ids = Array.from({ length: count }, () => randomUUID());
        sent.push(...ids);
        const values = ids.map((id) => store.encode(id));
        for (let at = 0; at < count; at += recordsPerSend)
          await sendValues(values.slice(at, at + recordsPerSend));
      }

      const sendValues = (values: Buffer[]) =>
        producer.send([
          {
            topic: store.topic,
            records: values.map((value, index) => ({ key: 'k', value, partition: index % store.partitions })),
          },
        ]);

      /** Until the ledger has reached the topic's end. */
      const landed = () =>
        vi.waitFor(async () => {
          const [ledger, ends] = [await store.ledger(), await broker.endOffsets(store.topic)];
          expect([...ends].filter(([partition, end]) => end > (ledger.get(partition) ?? 0))).toEqual([]);
        }, patience);

      const expectOnce = async () => expect((await store.ids()).sort()).toEqual([...sent].sort());
      const groupId = `contract-${randomUUID()}`;
      return { store, registry, groupId, start, send, sendValues, landed, expectOnce };
    }

    test('takeover: instances come and go, and each record lands once', async () => {
      const { groupId, start, send, landed, expectOnce } = await installation();
      const first = await start({ groupId });
      await send(1_000);
      const second = await start({ groupId });
      await send(1_000);
      await first.stop();
      await send(1_000);
      await landed();
      await second.stop();
      await expectOnce();
    });

    test('zombie: a former owner that lands after a new claim loses the ledger, and nothing lands twice', async () => {
      const { groupId, start, send, landed, expectOnce } = await installation();
      const former = await start({ groupId, gate: new Gate() });
      await send(300);
      await vi.waitFor(() => expect(former.gate.arrivals).toBe(1), patience);
      await start({ groupId: `${groupId}-new` });
      await landed();
      former.gate.open();
      await vi.waitFor(() => expect(former.gate.errors).not.toEqual([]), patience);
      expect(former.gate.errors[0]).toMatchObject({ code: 'LEDGER_LOST', retriable: true });
      await expectOnce();
      await send(300);
      await landed();
      await expectOnce();
    });

    test('lost answer: a commit that was made is not made again', async () => {
      const { store, groupId, start, send, landed, expectOnce } = await installation();
      await start({ groupId });
      await send(100);
      await landed();
      store.loseAnswer();
      await send(100);
      await landed();
      expect(store.answersLost()).toBe(1);
      await send(100);
      await landed();
      await expectOnce();
    });

    test('poison: a rejected record becomes one dead letter, and all others land', async () => {
      const { store, registry, groupId, start, send, sendValues, landed, expectOnce } = await installation();
      const gate = new Gate();
      await start({ groupId, gate });
      await send(20);
      await sendValues([store.poison()]);
      await send(20);
      gate.open();
      await landed();
      await expectOnce();
      const letters = await deadLettersOf(broker, registry, store.topic);
      const offset = 20 / store.partitions;
      expect(letters).toEqual([expect.objectContaining({ partition: 0, offset, value: store.poison() })]);
    });

    test('back-pressure: while nothing can land, a bounded amount is held', async () => {
      const { groupId, start, send, landed, expectOnce } = await installation();
      const memoryBytes = 1_000_000;
      await send(8_000);
      const gate = new Gate();
      const limits = { maxRows: 100_000, maxBytes: 64e6, maxAgeMs: 600_000 };
      const { runner, stop } = await start({ groupId, gate, memoryBytes, limits });
      await vi.waitFor(() => expect(runner.heldBytes).toBeGreaterThanOrEqual(memoryBytes), patience);
      let most = 0;
      const watch = setInterval(() => {
        most = Math.max(most, runner.heldBytes);
      }, 20);
      onTestFinished(() => clearInterval(watch));
      await expect.poll(() => gate.arrivals, patience).toBe(1);
      gate.open();
      await expect.poll(() => gate.arrivals, patience).toBeGreaterThan(3);
      await stop();
      // Each partition adds at most one slice after the last look at the budget.
      expect(most).toBeLessThan(3 * memoryBytes);
      await start({ groupId });
      await landed();
      await expectOnce();
    });

    test('stop in the middle: what was read lands or is read again, nothing twice', async () => {
      const { store, groupId, start, send, landed, expectOnce } = await installation();
      const limits = { maxRows: 300, maxAgeMs: 600_000 };
      for (let round = 0; round < 3; round++) {
        await send(1_000);
        const { gate, stop } = await start({ groupId, limits });
        await vi.waitFor(() => expect(gate.arrivals).toBeGreaterThan(1), patience);
        await stop();
        const ledger = await store.ledger();
        // Every offset is a record, so the ledger counts the rows.
        expect((await store.ids()).length).toBe([...ledger.values()].reduce((sum, next) => sum + next, 0));
      }
      await start({ groupId });
      await landed();
      await expectOnce();
    });
  });
}
