type Log = (level: 'warn' | 'error', message: string, details: object) => void;

const periodMs = 60_000;

/**
 * Passes on a message when it is new, and then once a minute with the number of repetitions that were left out
 * (`repeated`). Messages are equal if they differ in numbers only: those of an outage differ in ports and delays. While a
 * broker is away, each of kafkajs' connections logs every attempt.
 */
export function throttleRepeats(log: Log, nowMs: () => number = Date.now): Log {
  const logged = new Map<string, { atMs: number; repeated: number }>();
  return (level, message, details) => {
    const now = nowMs();
    const name = `${level} ${message.replaceAll(/\d+/g, '#')}`;
    const last = logged.get(name);
    if (last && now - last.atMs < periodMs) {
      last.repeated += 1;
      return;
    }
    // Old messages are forgotten, unless they have a count that was not logged yet.
    for (const [other, { atMs, repeated }] of logged)
      if (now - atMs >= periodMs && repeated === 0) logged.delete(other);
    logged.set(name, { atMs: now, repeated: 0 });
    log(level, message, last?.repeated ? { ...details, repeated: last.repeated } : details);
  };
}
