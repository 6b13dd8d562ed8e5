import { expect, test } from 'vitest';
import { productionFiles, workspaces } from './sources.ts';

const maxLines = 320;
const maxCommandLines = 6_000;

const lines = (text: string) => text.trimEnd().split('\n').length;

test(`no production file has more than ${maxLines} lines`, () => {
  const long = workspaces()
    .flatMap(productionFiles)
    .filter(({ text }) => lines(text) > maxLines)
    .map(({ path, text }) => `${path}: ${lines(text)}`);
  expect(long).toEqual([]);
});

test(`the command has at most ${maxCommandLines} lines: it parses arguments and prints`, () => {
  const sum = productionFiles('packages/cli')
    .filter(({ path }) => path.startsWith('packages/cli/src/'))
    .reduce((total, { text }) => total + lines(text), 0);
  expect(sum).toBeLessThanOrEqual(maxCommandLines);
});
