import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Item, maxItemBytes } from './item.ts';
import { PathElements } from './path-elements.ts';
import { pathText, recordPath } from './record-path.ts';

function elements(text: string, path: string, chunkBytes = 1): Item[] {
  const splitter = new PathElements(recordPath(path) ?? []);
  const bytes = Buffer.from(text);
  const items: Item[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    items.push(...splitter.push(bytes.subarray(at, at + chunkBytes)).map((item) => ({ ...item })));
  return [...items, ...splitter.end()];
}

const shown = (items: Item[]) =>
  items.map(({ line, text, ...item }) => [line, item.ok ? text.toString() : item.reason]);

describe('recordPath', () => {
  it.each([
    ['features[*].properties', [{ name: 'features' }, 'each', { name: 'properties' }]],
    ['$.a["b.c"][*]', [{ name: 'a' }, { name: 'b.c' }, 'each']],
    ['[*].Message', [{ name: 'Message' }]],
  ])('reads %s', (text, steps) => {
    expect(recordPath(text)).toEqual(steps);
    expect(recordPath(pathText(recordPath(text) ?? []))).toEqual(steps);
  });

  it.each(['', '[*]', '$', 'a..b', 'a[0]', 'a[*', 'a[*]b'])('does not take %j', (text) => {
    expect(recordPath(text)).toBeUndefined();
  });
});

describe('the values at a path', () => {
  it.each([1, 3, 1_000])('are found in any layout, in chunks of %d bytes', (bytes) => {
    const text =
      '{"type":"x","no":[{"p":0}],"list":[\n{"p":{"a":1}},\n{"q":{"p":2},"p":{"b":"]}\\"\\\\"}}, {"p":{}}]\n}\n{"list":[]}{"list":[{"p":{"c":3}}]}';
    expect(shown(elements(text, 'list[*].p', bytes))).toEqual([
      [2, '{"a":1}'],
      [3, '{"b":"]}\\"\\\\"}'],
      [3, '{}'],
      [5, '{"c":3}'],
    ]);
  });

  it('are read in texts of JSON and of Base64, as queues wrap it', () => {
    const wrapped = (body: string) => JSON.stringify({ Records: [{ body }] });
    const base64 = Buffer.from('{"a":1}\n{"a":2}').toString('base64');
    for (const body of ['{"a":1}{"a":2}', '[{"a":1},{"a":2}]', base64])
      expect(shown(elements(wrapped(body), 'Records[*].body'))).toEqual([
        [1, '{"a":1}'],
        [1, '{"a":2}'],
      ]);
    const twice = wrapped(JSON.stringify({ Message: '{"a":1}' }));
    expect(shown(elements(twice, 'Records[*].body.Message'))).toEqual([[1, '{"a":1}']]);
    expect(shown(elements(wrapped('hello'), 'Records[*].body'))).toEqual([[1, '"hello"']]);
  });

  it('are missed where they are not', () => {
    const text = '{"list":[{"p":1},{"q":1}]}\n{"lists":[]}\n{"list":{"p":1}}\n7\n{"list":"x"}';
    expect(shown(elements(text, 'list[*].p'))).toEqual([
      [1, '1'],
      [1, 'path_missing'],
      [2, 'path_missing'],
      [3, 'path_missing'],
      [4, 'path_missing'],
      [5, 'path_missing'],
    ]);
  });

  it('are missed in a damaged line only', () => {
    const lines = [
      '{"a":{"n":1}}',
      '{"a":{"n":',
      '{"a":{"n":3}}',
      '{"a" {"n":4}}',
      '{"a":"cut',
      '{"a":{"n":6}}',
      '{"a":{',
    ];
    expect(shown(elements(lines.join('\n'), 'a'))).toEqual([
      [1, '{"n":1}'],
      [2, 'not_json'],
      [3, '{"n":3}'],
      [4, 'not_json'],
      [5, 'not_json'],
      [6, '{"n":6}'],
      [7, 'not_json'],
    ]);
  });

  it('may be of any number in one object, and not longer than other records', () => {
    const record = (n: number) => JSON.stringify({ n, text: 'x'.repeat(n === 5 ? maxItemBytes : 100_000) });
    const text = `{"head":"${'h'.repeat(2 * maxItemBytes)}","data":[${Array.from({ length: 30 }, (_, n) => record(n)).join(',')}]}`;
    const items = elements(text, 'data[*]', 65_536);
    expect(items).toHaveLength(30);
    expect(items.flatMap((item, n) => (item.ok ? [] : [[n, item.reason]]))).toEqual([[5, 'too_long']]);
    expect(items[5]?.text.length).toBeLessThan(10_000);
  });

  it('are the same for any documents, however their bytes come', () => {
    const document = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 3 }));
    fc.assert(
      fc.property(fc.array(fc.array(document)), fc.integer({ min: 1, max: 50 }), (all, bytes) => {
        const text = all.map((list) => JSON.stringify({ x: list, list, y: 1 }, null, bytes % 3)).join('\n');
        const found = elements(text, 'list[*]', bytes).map((item) => item.ok && item.value);
        expect(found).toEqual(JSON.parse(JSON.stringify(all.flat())));
      }),
    );
  });
});
