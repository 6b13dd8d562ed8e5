import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

/** The pages whose commands are run, in this order; each finds the events of those before it. */
export const pages = [
  'README.md',
  'docs/tutorial.md',
  ...readdirSync(path.join(root, 'docs/how-to'))
    .sort()
    .map((name) => `docs/how-to/${name}`),
];

export type Language = 'sh' | 'sql' | 'python';

/** A fenced block of a page. */
export interface Block {
  page: string;
  language: Language;
  /** Of its first line of text, from 1. */
  line: number;
  text: string;
}

/** The blocks of a page that somebody may run, in their order. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/^```(sh|sql|python)\n(.*?)^```$/gms)].map((match) => ({
    page,
    language: match[1] as Language,
    line: text.slice(0, match.index).split('\n').length + 1,
    text: match[2] ?? '',
  }));
}
