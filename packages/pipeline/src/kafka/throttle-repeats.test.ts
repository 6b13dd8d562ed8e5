import { expect, test } from 'vitest';
import { throttleRepeats } from './throttle-repeats.ts';

function logged() {
  const lines: [string, string, object][] = [];
  const clock = { ms: 0 };
  const log = throttleRepeats(
    (...line) => lines.push(line),
    () => clock.ms,
  );
  return { lines, clock, log };
}

test('an outage is one line, then one a minute with the number of repetitions that were left out', () => {
  const { lines, clock, log } = logged();
  for (; clock.ms < 150_000; clock.ms += 500) {
    log('error', `Connection error: connect ECONNREFUSED 127.0.0.1:${9092 + (clock.ms % 7)}`, {
      retryTime: 1,
    });
  }
  expect(lines.map(([, , details]) => details)).toEqual([
    { retryTime: 1 },
    { retryTime: 1, repeated: 119 },
    { retryTime: 1, repeated: 119 },
  ]);
});

test('other messages, and other levels, are not held back', () => {
  const { lines, clock, log } = logged();
  log('warn', 'one', {});
  log('error', 'one', {});
  log('warn', 'two', {});
  log('warn', 'two', {});
  clock.ms = 3_600_000;
  log('warn', 'one', {});
  log('warn', 'two', {});
  expect(lines).toEqual([
    ['warn', 'one', {}],
    ['error', 'one', {}],
    ['warn', 'two', {}],
    ['warn', 'one', {}],
    ['warn', 'two', { repeated: 1 }],
  ]);
});
