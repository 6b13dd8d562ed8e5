import { expect, test } from 'vitest';
import { withoutRepeats } from './without-repeats.ts';

function heard() {
  const lines: [string, string, object][] = [];
  const clock = { ms: 0 };
  const say = withoutRepeats(
    (...line) => lines.push(line),
    () => clock.ms,
  );
  return { lines, clock, say };
}

test('an outage is one line, then one a minute with the number of those that were left out', () => {
  const { lines, clock, say } = heard();
  for (; clock.ms < 150_000; clock.ms += 500) {
    say('error', `Connection error: connect ECONNREFUSED 127.0.0.1:${9092 + (clock.ms % 7)}`, {
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
  const { lines, clock, say } = heard();
  say('warn', 'one', {});
  say('error', 'one', {});
  say('warn', 'two', {});
  say('warn', 'two', {});
  clock.ms = 3_600_000;
  say('warn', 'one', {});
  say('warn', 'two', {});
  expect(lines).toEqual([
    ['warn', 'one', {}],
    ['error', 'one', {}],
    ['warn', 'two', {}],
    ['warn', 'one', {}],
    ['warn', 'two', { repeated: 1 }],
  ]);
});
