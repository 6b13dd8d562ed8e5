import { DateTime } from 'luxon';

/** English names and the digits 0 to 9, whatever the machine's language is. */
const options = { zone: 'utc', setZone: true, locale: 'en-US', numberingSystem: 'latn' } as const;

/** A time that a format describes. Without an offset in the format, `ms` is the local time as if it were UTC. */
export interface FormattedTime {
  ms: number;
  isLocal: boolean;
}

/** Makes a parser of texts in one of the formats, which are tried in their order. For the tokens see {@link formatFault}. */
export function formatParser(formats: readonly string[]): (text: string) => FormattedTime | undefined {
  const parsers = formats.map((format) => ({
    parser: DateTime.buildFormatParser(format, options),
    isLocal: !hasOffset(format),
  }));
  return (text) => {
    for (const { parser, isLocal } of parsers) {
      const time = DateTime.fromFormatParser(text, parser, options);
      if (time.isValid) return { ms: time.toMillis(), isLocal };
    }
    return undefined;
  };
}

/** Luxon's tokens for offsets and zones, outside quoted text. */
const hasOffset = (format: string): boolean => /[Zz]/.test(format.replaceAll(/'[^']*'/g, ''));

/** Shows by its parts whether a format loses the year, the month or the day. */
const probe = DateTime.utc(1987, 11, 23, 14, 35, 46);

/**
 * Why a contract can't have this format; null if it can. Formats have the tokens of Luxon
 * (https://moment.github.io/luxon/#/parsing?id=table-of-tokens).
 */
export function formatFault(format: string): string | null {
  const text = probe.toFormat(format, { locale: 'en-US', numberingSystem: 'latn' });
  const read = DateTime.fromFormat(text, format, options);
  if (!read.isValid) return 'it cannot be parsed';
  return read.hasSame(probe, 'day') ? null : 'it must have year, month and day';
}
