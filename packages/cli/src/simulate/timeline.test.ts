import assert from 'node:assert';
import { createHash } from 'node:crypto';
import { brokenRule, loadStreams, parseInput, streamNamed } from '@windrow/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cities } from '../cities.ts';
import type { RiderEvent } from './event.ts';
import { endOf, eventsOf, type SimulationOptions } from './options.ts';
import { segmentMessage } from './segment-message.ts';
import { type Delivery, type TrackDelivery, timelineOf } from './timeline.ts';
import { trackRecord } from './track-record.ts';
import { observationEveryMs } from './weather.ts';

const contracts = await loadStreams();
const track = streamNamed(contracts, 'track');
const weather = streamNamed(contracts, 'weather');

const options: SimulationOptions = {
  rate: 100,
  minutes: 10,
  users: 300,
  cities: cities.slice(0, 8),
  faultShare: 0,
  seed: 42,
  startMs: Date.parse('2026-03-01T08:00:00Z'),
};

const anyOptions: fc.Arbitrary<SimulationOptions> = fc.record({
  rate: fc.double({ min: 0.05, max: 500, noNaN: true }),
  minutes: fc.double({ min: 0.01, max: 1, noNaN: true }),
  users: fc.integer({ min: 1, max: 500 }),
  cities: fc.integer({ min: 1, max: cities.length }).map((count) => cities.slice(0, count)),
  faultShare: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer(),
  startMs: fc.integer({ min: 0, max: Date.parse('2100-01-01T00:00:00Z') }),
});
const few = { numRuns: 20 };

const deliveriesOf = (of: SimulationOptions): Delivery[] => [...timelineOf(of).deliveries];
const sentEvents = (deliveries: Delivery[]): TrackDelivery[] =>
  deliveries.filter((delivery) => delivery.stream === 'track');
const firstOnes = (of: SimulationOptions): TrackDelivery[] =>
  sentEvents(deliveriesOf(of)).filter(({ repeated }) => !repeated);

/** In the order in which they happened: ids count. */
function happened(of: SimulationOptions): RiderEvent[] {
  const events = firstOnes(of).map(({ event }) => event);
  return events.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = Map.groupBy(items, keyOf);
  return [...groups.values()];
}

function digest(of: SimulationOptions): string {
  const hash = createHash('sha256');
  for (const delivery of timelineOf(of).deliveries) {
    const forms =
      delivery.stream === 'weather'
        ? [delivery.observation]
        : [trackRecord(delivery.event), segmentMessage(delivery.event), delivery.breakage, delivery.repeated];
    hash.update(JSON.stringify([delivery.atMs, ...forms]));
  }
  return hash.digest('hex');
}

test('the same options make the same messages, byte for byte', () => {
  fc.assert(
    fc.property(anyOptions, (of) => {
      expect(digest(structuredClone(of))).toBe(digest(of));
    }),
    few,
  );
});

test('each option makes another simulation, with ids of its own', () => {
  const others: Partial<SimulationOptions>[] = [
    { seed: 43 },
    { rate: 101 },
    { minutes: 9 },
    { users: 299 },
    { cities: cities.slice(0, 7) },
    { startMs: options.startMs + 1_000 },
  ];
  const ids = new Set(happened(options).map(({ id }) => id));
  for (const other of others) {
    const ofThem = happened({ ...options, ...other }).map(({ id }) => id);
    expect(ofThem.some((id) => ids.has(id))).toBe(false);
  }
});

test('another share of faults leaves what riders do as it is', () => {
  const plain = happened(options).map(({ id: _, properties: { session_id: __, ...rest }, ...event }) => ({
    ...event,
    rest,
  }));
  const faulty = happened({ ...options, faultShare: 0.5 }).map(
    ({ id: _, sentMs: __, properties: { session_id: ___, ...rest }, ...event }) => ({
      ...event,
      sentMs: event.occurredMs,
      rest,
    }),
  );
  expect(faulty).toEqual(plain);
});

test('there are as many events as rate and length say, each with an id of its own', () => {
  fc.assert(
    fc.property(anyOptions, (of) => {
      const events = happened(of);
      expect(events).toHaveLength(eventsOf(of));
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
      const times = events.map(({ occurredMs }) => occurredMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times[0]).toBe(of.startMs);
      expect(times.at(-1)).toBeLessThan(endOf(of) + 1);
    }),
    few,
  );
});

test('every session is opened first and closed last, and a ride in it begins, is ended and is paid', () => {
  fc.assert(
    fc.property(anyOptions, (of) => {
      for (const session of grouped(happened(of), ({ properties }) => String(properties.session_id))) {
        const names = session.map(({ name }) => name ?? 'Identify');
        expect(names[0]).toBe('App Opened');
        expect(names.at(-1)).toBe('App Closed');
        expect(names.filter((name) => name.startsWith('App'))).toHaveLength(2);
        const ride = names.filter((name) => /Ride|Scooter|Payment/.test(name));
        if (ride.length === 0) continue;
        const progressed = ride.filter((name) => name === 'Ride Progressed');
        expect(progressed.length).toBeGreaterThan(0);
        expect(ride).toEqual([
          'Scooter Unlocked',
          'Ride Started',
          ...progressed,
          'Ride Ended',
          'Payment Completed',
        ]);
      }
    }),
    few,
  );
});

test('a rider is in one session at a time, and known from the first Identify on', () => {
  fc.assert(
    fc.property(anyOptions, (of) => {
      for (const ofRider of grouped(happened(of), ({ anonymousId }) => anonymousId)) {
        const sessions = ofRider.map(({ properties }) => properties.session_id);
        const changes = sessions.filter((id, index) => id !== sessions[index - 1]);
        expect(new Set(changes).size).toBe(changes.length);
        const identified = ofRider.findIndex(({ type }) => type === 'identify');
        const known = ofRider.map(({ userId }) => userId !== null);
        expect(known).toEqual(known.map((_, index) => identified >= 0 && index >= identified));
      }
    }),
    few,
  );
});

test('riders move no faster than scooters do, and stay near their city', () => {
  const metres = (a: RiderEvent, b: RiderEvent) =>
    111_195 *
    Math.hypot(a.latitude - b.latitude, (a.longitude - b.longitude) * Math.cos((a.latitude * Math.PI) / 180));
  const centres = new Map(cities.map((city) => [city.name, city]));
  let moved = 0;
  for (const ofRider of grouped(happened(options), ({ anonymousId }) => anonymousId)) {
    for (const [index, event] of ofRider.entries()) {
      const centre = centres.get(event.city);
      assert(centre);
      expect(metres(event, { ...event, ...centre })).toBeLessThan(7_000);
      const before = ofRider[index - 1];
      if (before === undefined) continue;
      const seconds = (event.occurredMs - before.occurredMs) / 1_000;
      // Two roundings to 0.00001°.
      expect(metres(before, event)).toBeLessThan((25 / 3.6) * seconds + 2);
      moved += metres(before, event);
    }
  }
  expect(moved).toBeGreaterThan(100_000);
});

test('faults come in the stated share, a third of each kind', () => {
  const of = { ...options, faultShare: 0.12 };
  const deliveries = sentEvents(deliveriesOf(of));
  const repeated = deliveries.filter((one) => one.repeated);
  const late = deliveries.filter(({ event }) => event.sentMs > event.occurredMs);
  const broken = deliveries.filter(({ breakage }) => breakage !== null);
  // 60,000 events, so 2,400 of each are expected, with a deviation of 48; this seed has:
  expect({ late: late.length, repeated: repeated.length, broken: broken.length }).toEqual({
    late: 2_397,
    repeated: 2_468,
    broken: 2_434,
  });
  for (const { length } of [late, repeated, broken]) expect(Math.abs(length - 2_400)).toBeLessThan(4 * 48);
  for (const { event } of late) {
    expect(event.sentMs - event.occurredMs).toBeGreaterThanOrEqual(30_000);
    expect(event.sentMs - event.occurredMs).toBeLessThanOrEqual(301_000);
  }
  const ids = new Map(
    deliveries.filter((one) => !one.repeated).map(({ event, atMs }) => [event.id, { event, atMs }]),
  );
  for (const { event, atMs } of repeated) {
    expect(event).toBe(ids.get(event.id)?.event);
    expect(atMs).toBeGreaterThan(ids.get(event.id)?.atMs ?? Number.POSITIVE_INFINITY);
  }
});

test('without faults there are none, and with a share of 1 nothing else', () => {
  const none = sentEvents(deliveriesOf({ ...options, minutes: 1 }));
  expect(none.every((one) => !one.repeated && one.breakage === null)).toBe(true);
  expect(none.every(({ event }) => event.sentMs === event.occurredMs)).toBe(true);
  const all = sentEvents(deliveriesOf({ ...options, minutes: 1, faultShare: 1 }));
  const repeatedIds = new Set(all.filter((one) => one.repeated).map(({ event }) => event.id));
  const isFaulty = ({ event, breakage }: TrackDelivery) =>
    breakage !== null || event.sentMs > event.occurredMs || repeatedIds.has(event.id);
  expect(all.every(isFaulty)).toBe(true);
});

test('messages go out in the order of their times, the weather of a time before its events', () => {
  fc.assert(
    fc.property(anyOptions, (of) => {
      const deliveries = deliveriesOf(of);
      const times = deliveries.map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(deliveries.slice(0, of.cities.length).every(({ stream }) => stream === 'weather')).toBe(true);
      const rounds = Math.max(1, Math.ceil((endOf(of) - of.startMs) / observationEveryMs));
      const observations = deliveries.filter(({ stream }) => stream === 'weather');
      expect(observations).toHaveLength(rounds * of.cities.length);
    }),
    few,
  );
});

test('the weather keeps its rules, moves smoothly, and is wet at times', () => {
  const days = { ...options, rate: 0.05, minutes: 2 * 24 * 60, cities: cities.slice(0, 30) };
  const observations = deliveriesOf(days).flatMap((one) =>
    one.stream === 'weather' ? [one.observation] : [],
  );
  let wet = 0;
  for (const ofCity of grouped(observations, ({ city }) => city)) {
    for (const [index, observation] of ofCity.entries()) {
      expect(brokenRule(weather.rules, { ...observation })).toBeNull();
      if (observation.precip_type !== null) wet += 1;
      const before = ofCity[index - 1];
      if (before === undefined) continue;
      expect(observation.observed_at - before.observed_at).toBe(observationEveryMs);
      expect(Math.abs(observation.temperature_c - before.temperature_c)).toBeLessThan(4);
      expect(Math.abs(observation.precip_intensity - before.precip_intensity)).toBeLessThan(5);
    }
  }
  expect(wet / observations.length).toBeGreaterThan(0.1);
  expect(wet / observations.length).toBeLessThan(0.4);
});

test('what is not broken keeps the rules of the stream, and its SDK form means the same', () => {
  for (const event of happened({ ...options, minutes: 0.2 })) {
    const { received_at: _, sent_at: __, context: ___, ...record } = trackRecord(event);
    expect(brokenRule(track.rules, trackRecord(event))).toBeNull();
    const parsed = parseInput(track, segmentMessage(event), { kind: 'file' });
    expect(parsed.ok && parsed.record).toMatchObject(record);
  }
});
