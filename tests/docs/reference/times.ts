import {
  type AcceptedTime,
  refusedTimes,
  timeForms,
} from '../../../packages/contracts/src/time/fixtures/time-forms.ts';
import { timeReader } from '../../../packages/contracts/src/time/read-time.ts';
import { code, page, table } from './page.ts';

const introduction = `Windrow reads the times of inputs in these forms, over HTTP and from files. A time that has none of them is rejected with
the reason \`<field>_invalid\`, and a time outside the years 1 to 9999, UTC, with \`<field>_out_of_range\`. Spaces around a time don't count.
Bounds that are narrower are rules of the [contract](../explanation/streams.md).

\`timestamp-millis\`, \`-micros\` and \`-nanos\` keep the digits of their unit; more digits are cut off. \`local-timestamp-*\` takes no offset.
A \`date\` is a date, a time at midnight, or a number of days since 1970. \`time-millis\` and \`time-micros\` take \`13:45:00.5\`, or a number
of their unit since midnight.

A contract declares other forms of a field in \`times\`: \`unit\` of numbers since 1970, \`timezone\` of times without an offset, and
\`formats\`.`;

/** The forms of times, from the cases of the parser's test. */
export function timesPage(): string {
  const sections = timeForms.map(({ name, note, times }) => {
    const isDeclared = times.some(({ form }) => form !== undefined);
    const head = ['input', 'instant, UTC', ...(isDeclared ? ['declared'] : [])];
    const rows = times.map((time) => [
      ...[code(JSON.stringify(time.value)), instant(time)],
      ...(isDeclared ? [time.form ? code(declared(time.form)) : ''] : []),
    ]);
    return [`## ${name}`, ...(note ? [note] : []), table(head, rows)].join('\n\n');
  });
  return page('Times', introduction, [...sections, refused()]);
}

/** `12:00:00.123 456` */
function instant({ instant: text, nanos = 0, warning }: AcceptedTime): string {
  const digits = nanos === 0 ? '' : ` ${String(nanos).padStart(6, '0').replace(/0+$/, '')}`;
  return `${text.slice(0, -1).replace('T', ' ')}${digits}${warning ? ` (${code(warning)})` : ''}`;
}

const declared = (form: object): string =>
  Object.entries(form)
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? `[${value.join(', ')}]` : value}`)
    .join(', ');

function refused(): string {
  const rows = refusedTimes
    .filter(({ value }) => (typeof value === 'string' && value !== '') || Number.isFinite(value))
    .map(({ value, form }) => {
      const reading = timeReader(form)(value);
      const why = reading.ok
        ? ''
        : `expected ${reading.expected}${reading.advice ? `; ${reading.advice}` : ''}`;
      return [code(JSON.stringify(value)), why, form ? code(declared(form)) : ''];
    });
  return `## Refused\n\n${table(['input', 'message', 'declared'], rows)}`;
}
