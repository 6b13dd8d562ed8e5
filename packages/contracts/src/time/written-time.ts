/** A time as a text has it: the fields of a calendar and of a clock, and the distance of this clock from UTC. */
export interface WrittenTime {
  year: number;
  /** 1 to 12 */
  month: number;
  day: number;
  /** 24 only for the midnight at the end of the day. */
  hour: number;
  minute: number;
  /** 60 for a leap second. */
  second: number;
  nanos: number;
  /** Undefined for a time without an offset. */
  offsetMs: number | undefined;
  /** An IANA time zone in brackets. */
  zone: string | undefined;
}

const year = '(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})';
const month = '(?:0?[1-9]|1[0-2])';
const day = '(?:0?[1-9]|[12][0-9]|3[01])';
const minute = '[0-5][0-9]';
const second = '(?:[0-5][0-9]|60)';
const fraction = '(?:[.,][0-9]+)?';
const clock = `(?:[01]?[0-9]|2[0-3]):${minute}(?::${second}${fraction})?|24:00(?::00(?:[.,]0+)?)?`;
const offset = `[Zz]|[Uu][Tt][Cc]?|[Gg][Mm][Tt]|[+-](?:[01][0-9]|2[0-3])(?::?${minute}(?::?${minute})?)?`;
const namedZone = '\\[[A-Za-z0-9_+/-]+\\]';
const separator = '(?:[Tt]|\\s+)';

/** Date, clock, offset and zone of RFC 3339, ISO 8601, SQL, Postgres, and Java's ZonedDateTime. */
const dashed = `(${year}-${month}-${day}|${year}/${month}/${day})(?:${separator}(${clock})\\s*(${offset})?(${namedZone})?)?`;

const month2 = '(?:0[1-9]|1[0-2])';
const day2 = '(?:0[1-9]|[12][0-9]|3[01])';
const hour2 = '(?:[01][0-9]|2[0-3])';
const compactClock = `${hour2}${minute}(?:${second}${fraction})?|2400(?:00(?:[.,]0+)?)?`;
/** The basic format of ISO 8601. */
const compact = `(${year}${month2}${day2})(?:[Tt](${compactClock})(${offset})?)?`;
/** Digits alone. No time of the years 1973 to 2286 has 14 or 17 digits in a unit since 1970. */
const digitsOnly = `(${year}${month2}${day2})(${hour2}${minute}[0-5][0-9](?:[0-9]{3})?)`;

/** In JSON Schema there is no flag for it. */
const anyCase = (name: string) => [...name].map((letter) => `[${letter.toUpperCase()}${letter}]`).join('');
const months = ['january', 'february', 'march', 'april', 'may', 'june'];
months.push('july', 'august', 'september', 'october', 'november', 'december');
const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** The names or their first three letters. Some engines refuse an optional group without a letter, as `may` would have. */
const named = (names: string[]) =>
  names
    .map((name) => [anyCase(name.slice(0, 3)), anyCase(name.slice(3))])
    .map(([start, rest]) => (rest === '' ? start : `${start}(?:${rest})?`))
    .join('|');
const weekday = `(?:(?:${named(weekdays)}),?\\s+)?`;
/** HTTP and mail (RFC 9110, RFC 5322), JavaScript's `Date.toString()`, and dates such as `Jun 12, 1998`. */
const worded = `${weekday}(?:(${day})[\\s-](${named(months)})[\\s-](${year})|(${named(months)})\\s+(${day}),?\\s+(${year}))(?:,?\\s+(${clock})\\s*((?:[Gg][Mm][Tt]|[Uu][Tt][Cc])[+-][0-9]{4}|${offset})?(?:\\s*\\([^()]*\\))?)?`;

/** The texts of {@link writtenTime} as a regular expression for JSON Schema. It knows no calendar and no leap seconds. */
export const writtenTimePattern = `${dashed}|${compact}|${digitsOnly}|${worded}`;

const dashedTime = new RegExp(`^${dashed}$`);
const compactTime = new RegExp(`^(?:${compact}|${digitsOnly})$`);
const wordedTime = new RegExp(`^${worded}$`);

/**
 * Reads the fields of a time; undefined for a text of another form. The fields may be those of a day that doesn't exist. A day of
 * the week is not compared with the date, as in HTTP clients.
 */
export function writtenTime(text: string): WrittenTime | undefined {
  const iso = dashedTime.exec(text);
  if (iso) {
    const [, date = '', clock, offset, zone] = iso;
    const [year, month, day] = date.split(/[-/]/).map(Number);
    return { ...fieldsOf(year, month, day, clock), offsetMs: offsetMsOf(offset), zone: zone?.slice(1, -1) };
  }
  const basic = compactTime.exec(text);
  if (basic) {
    const date = basic[1] ?? basic[4] ?? '';
    const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6, 8)].map(Number);
    const clock = basic[2] ?? basic[5]?.replace(/^(.{6})(.{3})$/, '$1.$2');
    const withColons = clock?.replace(/^(..)(..)(..)?/, (_, h, m, s) => (s ? `${h}:${m}:${s}` : `${h}:${m}`));
    return { ...fieldsOf(year, month, day, withColons), offsetMs: offsetMsOf(basic[3]), zone: undefined };
  }
  const words = wordedTime.exec(text);
  if (!words) return undefined;
  const [, day1, month1, year1, month2, day2, year2, clock, offset] = words;
  const month =
    months.findIndex((name) => name.startsWith((month1 ?? month2 ?? '').slice(0, 3).toLowerCase())) + 1;
  return {
    ...fieldsOf(Number(year1 ?? year2), month, Number(day1 ?? day2), clock),
    offsetMs: offsetMsOf(offset?.replace(/^(?:GMT|UTC)(?=[+-])/i, '')),
    zone: undefined,
  };
}

type Fields = Omit<WrittenTime, 'offsetMs' | 'zone'>;

function fieldsOf(year = 0, month = 0, day = 0, clock = '0:00'): Fields {
  const [hour = '', minute = '', seconds = '0'] = clock.split(':');
  const [second = '', fraction = ''] = seconds.split(/[.,]/);
  const nanos = Number(fraction.slice(0, 9).padEnd(9, '0'));
  return { year, month, day, hour: Number(hour), minute: Number(minute), second: Number(second), nanos };
}

function offsetMsOf(offset: string | undefined): number | undefined {
  if (offset === undefined) return undefined;
  if (!/^[+-]/.test(offset)) return 0;
  const digits = offset.slice(1).replaceAll(':', '').padEnd(6, '0');
  const [hours, minutes, seconds] = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4, 6)].map(Number);
  const ms = ((hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1_000;
  return offset.startsWith('-') ? -ms : ms;
}

/** Whether the text says how far its clock is from UTC. */
export function hasOffset(text: string): boolean {
  const time = writtenTime(text);
  return time !== undefined && (time.offsetMs !== undefined || time.zone !== undefined);
}
