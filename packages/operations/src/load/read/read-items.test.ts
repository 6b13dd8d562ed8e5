import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Item, maxItemBytes } from './item.ts';
import { detectFormat, readItems } from './read-items.ts';
import type { ReadOptions } from './read-options.ts';

/** Reads a text that comes in chunks of `chunkBytes`. */
async function read(text: string | Buffer, chunkBytes = 65_536, options?: ReadOptions): Promise<Item[]> {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  const input = { name: 'test', totalBytes: undefined, bytesRead: () => 0, chunks: Readable.from(chunks) };
  const items: Item[] = [];
  for await (const group of readItems(input, options)) items.push(...group.items);
  return items;
}

const values = (items: Item[]) => items.flatMap((item) => (item.ok ? [item.value] : []));
const faults = (items: Item[]) =>
  items.flatMap((item) => (item.ok ? [] : [{ line: item.line, text: item.text.toString() }]));

const objects: Record<string, unknown>[] = [
  { id: 1, text: 'a "quoted" }{][, \\ text\n', list: [{ id: 'inner' }, [1, 2]] },
  { id: 2, nested: { deep: { deeper: [] } } },
  { id: 3, umlaut: 'Zürich ☃' },
];

const layouts: Record<string, (all: object[]) => string> = {
  'JSON Lines': (all) => all.map((one) => `${JSON.stringify(one)}\n`).join(''),
  'JSON Lines without a last line end': (all) => all.map((one) => JSON.stringify(one)).join('\n'),
  'JSON Lines with CRLF and blank lines': (all) =>
    all.map((one) => `${JSON.stringify(one)}\r\n\r\n`).join(''),
  'JSON Lines with trailing commas': (all) => all.map((one) => `${JSON.stringify(one)},\n`).join(''),
  'an array, one object a line': (all) => `[\n${all.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`,
  'an array, one object a line, brackets beside them': (all) =>
    `[${all.map((one) => JSON.stringify(one)).join(',\n')}]`,
  'an array, one object a line, a comma behind the last': (all) =>
    `[\n${all.map((one) => `  ${JSON.stringify(one)},\r\n`).join('')}]`,
  'an array on one line': (all) => JSON.stringify(all),
  'a pretty array': (all) => JSON.stringify(all, null, 2),
  'a pretty array with tabs and CRLF': (all) => JSON.stringify(all, null, '\t').replaceAll('\n', '\r\n'),
  'pretty objects one after the other': (all) =>
    all.map((one) => `${JSON.stringify(one, null, 2)}\n`).join(''),
  'objects back to back': (all) => all.map((one) => JSON.stringify(one)).join(''),
};

describe('readItems', () => {
  for (const [name, layout] of Object.entries(layouts)) {
    it(`reads ${name}, with a byte order mark or not, in chunks of any size`, async () => {
      for (const text of [layout(objects), `\uFEFF${layout(objects)}`]) {
        for (const chunkBytes of [1, 3, 17, 65_536]) {
          const items = await read(text, chunkBytes);
          expect(faults(items)).toEqual([]);
          expect(values(items)).toEqual(objects);
        }
      }
    });
  }

  it('finds nothing in an empty file', async () => {
    expect(await read('')).toEqual([]);
  });

  it.each(['\n', '\uFEFF', '[]', '[\n]\n', ' [ ] ', '\r\n\r\n', 'id,text\n', 'id,text\r'])(
    'refuses %j, which has bytes and no record',
    async (text) => {
      const message = expect.stringMatching(/^test holds (?:no record|only white space)/);
      await expect(read(text)).rejects.toMatchObject({ code: 'FILE_UNREADABLE', message });
    },
  );

  it('names the line on which each object starts', async () => {
    const pretty = await read(JSON.stringify(objects, null, 2));
    expect(pretty.map((item) => item.line)).toEqual([2, 15, 23]);
    const lines = await read(`\n${JSON.stringify({ a: 1 })}\n\n${JSON.stringify({ a: 2 })}\n`);
    expect(lines.map((item) => item.line)).toEqual([2, 4]);
  });

  it('isolates a line that is cut off, one with NaN in it, and, if UTF-8 is said, one that is not', async () => {
    const good = [1, 2, 3, 4].map((id) => JSON.stringify({ id }));
    const text = Buffer.concat([
      Buffer.from(`[\n${good[0]},\n{"id": "cut o\n${good[1]},\n{"id": NaN},\n${good[2]},\n{"id": "`),
      Buffer.from([0xff]),
      Buffer.from(`"},\n${good[3]}\n]\n`),
    ]);
    const items = await read(text, 65_536, { encoding: 'utf-8' });
    expect(values(items)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }]);
    expect(items.filter((item) => !item.ok)).toMatchObject([
      { line: 3, reason: 'not_json', text: Buffer.from('{"id": "cut o') },
      { line: 5, reason: 'not_json', text: Buffer.from('{"id": NaN}') },
      { line: 7, reason: 'not_utf8' },
    ]);
  });

  it('isolates the first line too', async () => {
    const items = await read(`"id":1}\n{"id":2}\n{"id":3}\n`);
    expect(values(items)).toEqual([{ id: 2 }, { id: 3 }]);
    expect(faults(items)).toEqual([{ line: 1, text: '"id":1}' }]);
  });

  it.each([
    ['is cut off', '{"id": 2, "b": {"c": "d'],
    ['lacks a brace', '{"id": 2, "b": {"c": 1}'],
    ['has a brace too many', '{"id": 2}}'],
    ['has NaN in it', '{"id": NaN}'],
  ])('isolates an object of a spread layout that %s', async (_, damaged) => {
    const pretty = damaged.replaceAll(/[{,] ?/g, (sign) => `${sign.trim()}\n    `);
    const layoutsWithDamage = [
      `[{"id": 1}, ${damaged}, {"id": 3}, {"id": 4, "n": [{"m": 1}]}]`,
      `[\n  {\n    "id": 1\n  },\n  ${pretty}\n  ,\n  {\n    "id": 3\n  },\n  {\n    "id": 4, "n": [{"m": 1}]\n  }\n]`,
    ];
    for (const text of layoutsWithDamage) {
      const items = await read(text, 7);
      const ids = values(items).map((value) => (value as { id: number }).id);
      expect(ids.filter((id) => id !== 2)).toEqual([1, 3, 4]);
      expect(faults(items)).toHaveLength(1);
    }
  });

  it('reports an over-long line or object by its beginning, holds no more than that, and goes on behind it', async () => {
    const long = JSON.stringify({ id: 2, text: 'x'.repeat(3 * maxItemBytes), list: [{ a: 1 }] });
    const texts = [
      `{"id":1}\n${long}\n{"id":3}\n`,
      `[{"id":1},${long},{"id":3}]`,
      `[\n  {\n "id":1},\n  ${long},\n  {\n "id":3}]`,
      `id,text\n1,\n2,${'y'.repeat(3 * maxItemBytes)}\n3,\n`,
    ];
    for (const text of texts) {
      const items = await read(text);
      expect(values(items).map((value) => Number((value as { id: unknown }).id))).toEqual([1, 3]);
      const [bad, ...others] = items.filter((item) => !item.ok);
      expect(others).toEqual([]);
      expect(bad).toMatchObject({ reason: 'too_long' });
      expect(bad?.text.length).toBeLessThan(10_000);
      expect(bad).toHaveProperty('message', expect.stringMatching(/^31457\d\d bytes long/));
    }
  });

  it('goes on behind an object that is never closed, however much follows', async () => {
    const good = Array.from({ length: 40_000 }, (_, id) => ({
      id,
      text: 'some text to make it long enough',
    }));
    const [head, tail] = [good.slice(0, 5), good.slice(5)];
    const text = `[${head.map((one) => JSON.stringify(one)).join(',')},{"id":"open","x":{,${tail.map((one) => JSON.stringify(one)).join(',')}]`;
    expect(text.length).toBeGreaterThan(2 * maxItemBytes);
    const items = await read(text);
    expect(values(items)).toEqual(good);
    expect(faults(items)).toHaveLength(1);
  });

  it('reads scalars and arrays among lines as they are', async () => {
    expect(values(await read('{"a":1}\n7\n[1]\nnull\n'))).toEqual([{ a: 1 }, 7, [1], null]);
  });
});

describe('CSV', () => {
  it('reads a header, quoted commas, quotes and line ends, CRLF, blank lines and empty values', async () => {
    const text = '\uFEFFid,text,note\r\n1,"a, ""b""",\r\n\r\n2,"two\nlines",x\r\n3,,"last"';
    for (const chunkBytes of [1, 5, 65_536]) {
      const items = await read(text, chunkBytes);
      expect(faults(items)).toEqual([]);
      expect(values(items)).toEqual([
        { id: '1', text: 'a, "b"', note: '' },
        { id: '2', text: 'two\nlines', note: 'x' },
        { id: '3', text: '', note: 'last' },
      ]);
      expect(items.map((item) => item.line)).toEqual([2, 4, 6]);
    }
  });

  it('isolates lines with other columns and quotes that are out of place or never closed', async () => {
    const text = 'id,text\n1,a\n2\n3,b,c\n4,"open\n5,"two\nlines"\n6,d"e\n7,f\n';
    const items = await read(text);
    expect(values(items)).toEqual([
      { id: '1', text: 'a' },
      { id: '5', text: 'two\nlines' },
      { id: '7', text: 'f' },
    ]);
    expect(faults(items)).toEqual([
      { line: 3, text: '2' },
      { line: 4, text: '3,b,c' },
      { line: 5, text: '4,"open' },
      { line: 8, text: '6,d"e' },
    ]);
  });

  it('refuses what is neither JSON nor CSV with a header, naming the file', async () => {
    for (const text of ['a\x01,b\n1,2\n', 'a,a\n1,2\n', 'a,,c\n1,2,3\n']) {
      await expect(read(text)).rejects.toMatchObject({
        code: 'FILE_UNREADABLE',
        message: /^test holds neither/,
      });
    }
  });
});

describe('detectFormat', () => {
  it('goes by the content', () => {
    const of = (text: string) => detectFormat(Buffer.from(text), true);
    expect(of('{"a":1}\n{"a":2}\n')).toBe('json-lines');
    expect(of('[\n{"a":1},\n{"a":2}\n]')).toBe('json-lines');
    expect(of('[{"a":1},{"a":2}]')).toBe('json-elements');
    expect(of('[\n{"batch": [\n{"x":1},\n{"x":2},\n{"x":3}\n]}\n]')).toBe('json-elements');
    expect(of('a,b\n1,2\n')).toBe('csv');
  });
});

describe('any objects in any layout', () => {
  const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });
  const plain = json.map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
  const chunkBytes = fc.integer({ min: 1, max: 200 });

  it('are read back', async () => {
    const layout = fc.constantFrom(...Object.values(layouts));
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { minLength: 1 }), layout, chunkBytes, async (all, lay, size) => {
        const items = await read(lay(all), size);
        expect(faults(items)).toEqual([]);
        expect(values(items)).toEqual(all);
      }),
      { numRuns: 500 },
    );
  });

  it('are read back but for the damaged lines, each of which is one bad item', async () => {
    const damage = fc.constantFrom<(line: string) => string>(
      (line) => line.slice(0, -1),
      (line) => line.slice(1),
      (line) => `${line.slice(0, -1)}"x":NaN}`,
      (line) => line.slice(0, Math.ceil(line.length / 2)).replace(/[}\]]+$/, ''),
      () => '"',
    );
    const lines = fc.array(fc.record({ value: plain, damage: fc.option(damage) }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(lines, fc.boolean(), chunkBytes, async (all, asArray, size) => {
        // Between any two damaged lines there are two good ones: a line without its end and a later one without its
        // beginning may together be one good object, with a line between them inside it.
        const good = { value: { good: true } as Record<string, unknown>, damage: null };
        const rows = [good, ...all.flatMap((row) => (row.damage ? [row, good, good] : [row]))];
        const texts = rows.map((row) => {
          const text = JSON.stringify(row.value);
          return row.damage ? row.damage(text) : text;
        });
        const items = await read(asArray ? `[\n${texts.join(',\n')}\n]` : texts.join('\n'), size);
        expect(values(items)).toEqual(rows.flatMap((row) => (row.damage ? [] : [row.value])));
        expect(faults(items).map((fault) => fault.line)).toEqual(
          rows.flatMap((row, i) => (row.damage ? [i + (asArray ? 2 : 1)] : [])),
        );
      }),
      { numRuns: 500 },
    );
  });
});

it('takes a file for the same, however its bytes come', async () => {
  const line = `${JSON.stringify({ id: 1, text: 'x'.repeat(1_000) })}\n`;
  const text =
    line.repeat(Math.ceil(maxItemBytes / line.length)) +
    `${JSON.stringify({ id: 2, a: 3 }, null, 1)}\n`.repeat(2);
  expect((await read(text, 2 * maxItemBytes)).length).toBe((await read(text)).length);
});
