import type { EventRecord } from './avro-record.ts';
import type { MessageLayout } from './contract.ts';

/**
 * Reads a message's values by their paths into the fields' names; undefined where there is none. It is made as code, so
 * that every message's values have one shape and each path is walked once: this is done for every event.
 */
export function messageReader({ fields }: MessageLayout): (message: EventRecord) => EventRecord {
  const lines: string[] = [];
  const variables = new Map<string, string>([['', 'message']]);
  /** The variable that holds what is at the path. */
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
