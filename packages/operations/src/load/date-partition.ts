import { isDate } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';

/** UTC days such as `2013-01-15`; `to` is not included. Undefined: no limit on that side. */
export interface DateRange {
  from: string | undefined;
  to: string | undefined;
}

/**
 * The day of a file in a directory that is partitioned by date, such as `date=2013-01-15/…` or `2013/01/15/…`, at any depth.
 * @param path the file's path below the directory that is loaded
 */
export function dateOf(path: string): string | undefined {
  const [, named] = /(?:^|\/)date=([^/]*)\//.exec(path) ?? [];
  const [, year, month, day] = /(?:^|\/)(\d{4})\/(\d{2})\/(\d{2})\//.exec(path) ?? [];
  const date = named ?? `${year}-${month}-${day}`;
  return isDate(date) ? date : undefined;
}

/** The paths whose day is in the range. @throws WindrowError USAGE that names a path without a day */
export function withinDates(paths: readonly string[], { from, to }: DateRange, root: string): string[] {
  if (from === undefined && to === undefined) return [...paths];
  return paths.filter((path) => {
    const date = dateOf(path);
    if (date !== undefined) return (from === undefined || date >= from) && (to === undefined || date < to);
    const message = `nothing was sent: ${path} in ${root} is in no directory of a day (date=2013-01-15/ or 2013/01/15/), so --from and --to can't say whether it is wanted; load without them, or name a directory where all files are below one`;
    throw new WindrowError('USAGE', message);
  });
}
