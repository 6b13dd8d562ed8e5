type Say = (level: 'warn' | 'error', message: string, details: object) => void;

const periodMs = 60_000;

/**
 * Passes a message on when it is new, and after that once a minute, with the number of those that were left out
 * (`repeated`). Messages are equal but for numbers: an outage's differ in ports and delays. For kafkajs, whose every
 * connection says at every try that the broker is away.
 */
export function withoutRepeats(say: Say, nowMs: () => number = Date.now): Say {
  const said = new Map<string, { atMs: number; repeated: number }>();
  return (level, message, details) => {
    const now = nowMs();
    const name = `${level} ${message.replaceAll(/\d+/g, '#')}`;
    const last = said.get(name);
    if (last && now - last.atMs < periodMs) {
      last.repeated += 1;
      return;
    }
    // What nobody says any more is forgotten, but for a count that was not told yet.
    for (const [other, { atMs, repeated }] of said)
      if (now - atMs >= periodMs && repeated === 0) said.delete(other);
    said.set(name, { atMs: now, repeated: 0 });
    say(level, message, last?.repeated ? { ...details, repeated: last.repeated } : details);
  };
}
