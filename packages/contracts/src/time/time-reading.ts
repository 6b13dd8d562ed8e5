/** A doubt about a time that was accepted. It is counted as a warning of the sender. */
export type TimeWarning =
  /** A number whose unit was told by its digits, because the contract doesn't say it, and which isn't milliseconds. */
  | 'time_unit_guessed'
  /** A local time that clocks skipped, when daylight saving time began. */
  | 'local_time_skipped'
  /** A local time that clocks showed twice, when daylight saving time ended. */
  | 'local_time_repeated';

/** A value that was read as a time, or the reason why it is none. */
export type TimeReading =
  | {
      ok: true;
      /** Milliseconds since 1970. The instant is cut to the millisecond at or before it. */
      ms: number;
      /** The rest of the instant, 0 to 999,999. */
      nanos: number;
      warning?: TimeWarning;
    }
  | {
      ok: false;
      reason: 'invalid' | 'out_of_range';
      /** Follows «expected »: what the field takes. */
      expected: string;
      /** What is wrong with the value, and the way out. */
      advice?: string;
    };

export type RefusedTime = TimeReading & { ok: false };

export function invalidTime(advice: string, expected = 'a time'): RefusedTime {
  return { ok: false, reason: 'invalid', expected, advice };
}

export const timeOutOfRange: RefusedTime = {
  ok: false,
  reason: 'out_of_range',
  expected: 'a time in the years 1 to 9999, UTC',
};
