import type { EventRecord } from './avro/avro-record.ts';
import type { MessageLayout } from './contract.ts';

/**
 * Reads the values of a message by their paths; a missing value is undefined. It generates code, because it runs for every
 * event: so all results have one hidden class, and each path is walked once.
 */
export function messageReader({ fields }: MessageLayout): (message: EventRecord) => EventRecord {
  const lines: string[] = [];
  const variables = new Map<string, string>([['', 'message']]);
  /** The variable that holds the value at the path. */
  const at = (path: string[]): string => {
    const known = variables.get(path.join('.'));
    if (known) return known;
    const parent = at(path.slice(0, -1));
    const variable = `value${variables.size}`;
    variables.set(path.join('.'), variable);
    const key = JSON.stringify(path.at(-1));
    lines.push(
      `const ${variable} = typeof ${parent} === 'object' && ${parent} !== null ? ${parent}[${key}] : undefined;`,
    );
    return variable;
  };
  const entries = Object.entries(fields).map(([field, paths]) => {
    const values = paths.map((path) => at(path.split('.')));
    const first = values.reduceRight(
      (otherwise, value) =>
        `${value} !== undefined && ${value} !== null && ${value} !== '' ? ${value} : ${otherwise}`,
      'undefined',
    );
    return `${JSON.stringify(field)}: ${first},`;
  });
  const code = `${lines.join('\n')}\nreturn {\n${entries.join('\n')}\n};`;
  return new Function('message', code) as (message: EventRecord) => EventRecord;
}
