import { isDate } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';

/** Days of UTC as `2013-01-15`, the second one not included; undefined: without that end. */
export interface DateRange {
  from: string | undefined;
  to: string | undefined;
}

/**
 * The day of a file that is partitioned by date, as `date=2013-01-15/…` or `2013/01/15/…`, at any depth.
 * @param path of the file below the directory that is loaded
 */
export function dateOf(path: string): string | undefined {
  const [, named] = /(?:^|\/)date=([^/]*)\//.exec(path) ?? [];
  const [, year, month, day] = /(?:^|\/)(\d{4})\/(\d{2})\/(\d{2})\//.exec(path) ?? [];
  const date = named ?? `${year}-${month}-${day}`;
  return isDate(date) ? date : undefined;
}

/** The paths whose day is in the range. Error: USAGE, naming a path that has no day */
export function withinDates(paths: readonly string[], { from, to }: DateRange, root: string): string[] {
  if (from === undefined && to === undefined) return [...paths];
  return paths.filter((path) => {
    const date = dateOf(path);
    if (date !== undefined) return (from === undefined || date >= from) && (to === undefined || date < to);
    const message = `nothing was sent: ${path} in ${root} is in no directory of a day (date=2013-01-15/ or 2013/01/15/), so --from and --to can't say whether it is wanted; load without them, or name a directory where all files are below one`;
    throw new WindrowError('USAGE', message);
  });
}
