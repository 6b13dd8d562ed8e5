import { type PathStep, pathText } from './record-path.ts';

const token = /\s*(?:([{}[\],:])|("[^"\\\n]*(?:\\.[^"\\\n]*)*")|([-+.\w]+))/y;

interface Level {
  isArray: boolean;
  name: string | undefined;
}

/**
 * For a sample that begins with a JSON object and ends within it: the path to the first array of objects, empty if there is none.
 * Undefined if the object ends before, or is damaged.
 */
export function openObjectPath(sample: Buffer): string | undefined {
  const text = sample.toString('latin1');
  const levels: Level[] = [];
  let found = '';
  /** The last text, which is a name if a colon follows. */
  let last = '';
  let previous = '';
  token.lastIndex = 0;
  for (;;) {
    const start = token.lastIndex;
    const [, sign = '', quoted, scalar] = token.exec(text) ?? [];
    if (sign === '' && quoted === undefined && scalar === undefined) {
      // The sample may end within a text.
      return levels.length > 0 && /^\s*(?:"[^"\\\n]*(?:\\.[^"\\\n]*)*\\?)?$/.test(text.slice(start))
        ? found
        : undefined;
    }
    if (levels.length === 0 && sign !== '{') return undefined;
    const isValue = quoted !== undefined || scalar !== undefined || sign === '{' || sign === '[';
    // Two values without a sign between them: a damaged object that has swallowed the next one.
    if (isValue && ['}', ']', 'value'].includes(previous)) return undefined;
    if (sign === ':') {
      const level = levels.at(-1);
      if (level) level.name = last;
    } else if (sign === '{' || sign === '[') {
      if (sign === '{' && levels.at(-1)?.isArray && found === '') found = pathTo(levels);
      levels.push({ isArray: sign === '[', name: undefined });
    } else if (sign === '}' || sign === ']') {
      levels.pop();
      if (levels.length === 0) return undefined;
    }
    last = quoted?.slice(1, -1) ?? '';
    previous = isValue && sign === '' ? 'value' : sign;
  }
}

function pathTo(levels: readonly Level[]): string {
  const steps = levels.map(({ isArray, name }): PathStep => (isArray ? 'each' : { name: name ?? '' }));
  return pathText(steps);
}
