import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { blocksOf, pages, root } from './blocks.ts';
import { commandLines, parseArguments } from './command-lines.ts';
import { isMarked, notRun, rejected, substitutions } from './exceptions.ts';
import { everyCommand, helpOf, quietProgram } from './reference/commands.ts';

const blocks = pages.flatMap(blocksOf);
const textOf = (file: string) => readFileSync(path.join(root, file), 'utf8');

describe('the commands that the documentation shows', () => {
  const shown = [
    ...blocks.filter(({ language }) => language === 'sh').map(({ page, text }) => [page, text] as const),
    ...everyCommand(quietProgram()).map(
      ({ name, command }) => [`windrow ${name} --help`, helpOf(command)] as const,
    ),
  ].flatMap(([where, text]) => commandLines(text).map((words) => [where, words] as const));

  test.each(shown)('%s: windrow %j is parsed by the command', async (_, words) => {
    await parseArguments(words);
  });

  test('an unknown option is an error', async () => {
    await expect(parseArguments(['wait', '--time-out', '3'])).rejects.toThrow('--time-out');
    await expect(parseArguments(['lake', 'shrink'])).rejects.toThrow();
  });

  test('npm scripts are those of package.json', () => {
    const named = blocks.flatMap(({ text }) => [...text.matchAll(/\bnpm (?:run )?([a-z]+)/g)]);
    for (const [, script] of named)
      if (script !== 'install') expect(manifest.scripts).toHaveProperty([script ?? '']);
  });

  test('each exception is of a block that there is', () => {
    for (const mark of [...notRun, ...rejected])
      expect(
        blocks.filter((block) => isMarked(block, mark)),
        JSON.stringify(mark),
      ).not.toEqual([]);
    for (const { from } of substitutions)
      expect(
        blocks.filter(({ text }) => text.search(from) >= 0),
        String(from),
      ).not.toEqual([]);
  });
});

describe('the pages', () => {
  const all = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root })];

  test('links lead to files and headings that there are', () => {
    const broken = all.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !leadsSomewhere(page, link))
        .map((link) => `${page}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  test('the README has fewer than 200 lines', () => {
    expect(textOf('README.md').split('\n').length).toBeLessThan(200);
  });

  test('the guides are all in their list', () => {
    const listed = textOf('docs/how-to/README.md');
    for (const page of pages.filter((name) => name.startsWith('docs/how-to/') && !name.endsWith('README.md')))
      expect(listed).toContain(`(${path.basename(page)})`);
  });
});

function leadsSomewhere(page: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : path.join(path.dirname(page), file);
  if (!existsSync(path.join(root, target))) return false;
  return anchor === undefined || anchorsOf(textOf(target)).includes(anchor);
}

/** The anchors that GitHub makes of headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
