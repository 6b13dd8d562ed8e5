import { expect, test } from 'vitest';
import { productionFiles, workspaces } from './sources.ts';

const maxLines = 320;

const lines = (text: string) => text.trimEnd().split('\n').length;

test(`no production file has more than ${maxLines} lines`, () => {
  const long = workspaces()
    .flatMap(productionFiles)
    .filter(({ text }) => lines(text) > maxLines)
    .map(({ path, text }) => `${path}: ${lines(text)}`);
  expect(long).toEqual([]);
});
