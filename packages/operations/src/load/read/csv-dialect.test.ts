import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Item } from './item.ts';
import { readItems } from './read-items.ts';
import type { ReadOptions } from './read-options.ts';

async function read(text: string, options: ReadOptions = {}, chunkBytes = 5): Promise<Item[]> {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, n) =>
    bytes.subarray(n * chunkBytes, (n + 1) * chunkBytes),
  );
  const input = { name: 'test.csv', bytesRead: () => 0, chunks: Readable.from(chunks) };
  const items: Item[] = [];
  for await (const group of readItems(input, options)) items.push(...group.items);
  return items;
}

const values = (items: Item[]) => items.map((item) => (item.ok ? item.value : item.message));
const rows = [
  { id: '1', text: 'a', note: '' },
  { id: '2', text: 'b', note: 'x' },
];

describe('a CSV file', () => {
  it.each([
    ['CR alone', 'id,text,note\r1,a,\r2,b,x\r'],
    ['CR alone, and none at its end', 'id,text,note\r1,a,\r2,b,x'],
    ['LF', 'id,text,note\n1,a,\n2,b,x\n'],
    ['CRLF', 'id,text,note\r\n1,a,\r\n2,b,x\r\n'],
    ['semicolons', 'id;text;note\n1;a;\n2;b;x\n'],
    ['tabs', 'id\ttext\tnote\n1\ta\t\n2\tb\tx\n'],
    ['pipes', 'id|text|note\n1|a|\n2|b|x\n'],
    ['a line sep=;', 'sep=;\r\nid;text;note\r\n1;a;\r\n2;b;x\r\n'],
    ['a line sep=, in quotes', '"sep=,"\nid,text,note\n1,a,\n2,b,x\n'],
    ['sep= with CR alone', 'sep=,\rid,text,note\r1,a,\r2,b,x\r'],
    ['a delimiter after each cell', 'id;text;note;\n1;a;;\n2;b;x;\n'],
    ['a delimiter after each cell of the header', 'id,text,note,,\n1,a,\n2,b,x\n'],
    ['a delimiter after each cell of the rows', 'id,text,note\n1,a,,\n2,b,x,\n'],
    ['quotes in the header', '"id";"text";"note"\n"1";"a";""\n"2";"b";"x"\n'],
  ])('with %s is read', async (_, text) => {
    for (const chunkBytes of [1, 5, 1_000]) expect(values(await read(text, {}, chunkBytes))).toEqual(rows);
  });

  it('keeps the line ends in its cells, whichever its rows have', async () => {
    const texts = {
      '\n': 'id,text\n1,"a\r\nb\rc\nd"\n2,x\n',
      '\r\n': 'id,text\r\n1,"a\r\nb\rc\nd"\r\n2,x\r\n',
      '\r': 'id,text\r1,"a\r\nb\rc\nd"\r2,x\r',
    };
    for (const text of Object.values(texts)) {
      expect(values(await read(text))).toEqual([
        { id: '1', text: 'a\r\nb\rc\nd' },
        { id: '2', text: 'x' },
      ]);
    }
  });

  it('counts the lines that end with CR, and isolates a damaged one', async () => {
    const items = await read('id,text\r1,a\r2\r3,"open\r4,b\r');
    expect(items.map(({ ok, line }) => [line, ok])).toEqual([
      [2, true],
      [3, false],
      [4, false],
      [5, true],
    ]);
  });

  it('has the delimiter with which its rows agree, though the header has others', async () => {
    expect(values(await read('name;price, EUR;n\na;1,5;2\nb;2,5;3\n'))).toEqual([
      { name: 'a', 'price, EUR': '1,5', n: '2' },
      { name: 'b', 'price, EUR': '2,5', n: '3' },
    ]);
    await expect(read('a,b;c\n')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringMatching(/^test\.csv: .*separated by ",?;?" or ",?;?".*--delimiter/),
    });
    expect(values(await read('a,b;c\n1,2;3\n', { delimiter: ';' }))).toEqual([{ 'a,b': '1,2', c: '3' }]);
  });

  it('has other quotes, or none, by an option', async () => {
    await expect(read("'id','text'\n'1','a,b'\n")).rejects.toMatchObject({
      message: expect.stringContaining(`--quote "'"`),
    });
    expect(values(await read("'id','text'\n'1','a, \"b\"'\n", { quote: "'" }))).toEqual([
      { id: '1', text: 'a, "b"' },
    ]);
    const stray = 'id\ttext\n1\t5" pipe\n2\t"x\n';
    expect((await read(stray)).map(({ ok }) => ok)).toEqual([false, false]);
    expect(values(await read(stray, { quote: 'none' }))).toEqual([
      { id: '1', text: '5" pipe' },
      { id: '2', text: '"x' },
    ]);
  });

  it('has no value in a column without a name', async () => {
    expect(values(await read('id,text,\n1,a,b\n'))).toEqual(['3 columns, where the header has 2']);
  });
});

it('JSON lines may end with CR too', async () => {
  const items = await read('{"id":1}\r{"id":\r{"id":3}\r');
  expect(items.map(({ line, ok }) => [line, ok])).toEqual([
    [1, true],
    [2, false],
    [3, true],
  ]);
});
