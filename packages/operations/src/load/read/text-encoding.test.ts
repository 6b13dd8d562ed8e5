import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readItems } from './read-items.ts';
import type { ReadOptions } from './read-options.ts';

async function read(bytes: Buffer, options: ReadOptions = {}): Promise<unknown[]> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, n) =>
    bytes.subarray(n * 7, n * 7 + 7),
  );
  const input = { name: 'test', bytesRead: () => 0, chunks: Readable.from(chunks) };
  const found: unknown[] = [];
  for await (const { items } of readItems(input, options))
    found.push(...items.map((item) => (item.ok ? item.value : item.reason)));
  return found;
}

const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();
const csv = 'city,note\nZürich,€ 5 ☃\nBern,"a\nb"\n';
const rows = [
  { city: 'Zürich', note: '€ 5 ☃' },
  { city: 'Bern', note: 'a\nb' },
];
const json = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

it.each([
  ['UTF-8', (text: string) => Buffer.from(text)],
  ['UTF-8 with a mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
  ['UTF-16 LE with a mark', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
  ['UTF-16 BE with a mark', (text: string) => utf16be(`\uFEFF${text}`)],
])('reads %s', async (_, encode) => {
  expect(await read(encode(csv))).toEqual(rows);
  expect(await read(encode(json))).toEqual(rows);
});

it('reads other encodings that an option names', async () => {
  const latin = Buffer.from('city,note\nZ\xfcrich,\x80 5\n', 'latin1');
  expect(await read(latin, { encoding: 'windows-1252' })).toEqual([{ city: 'Zürich', note: '€ 5' }]);
  expect(await read(Buffer.from(csv, 'utf16le'), { encoding: 'utf-16le' })).toEqual(rows);
  expect(await read(utf16be(csv), { encoding: 'utf-16be' })).toEqual(rows);
  const japanese = Buffer.from('city,note\n\x93\x8c\x8b\x9e,x\n', 'latin1');
  expect(await read(japanese, { encoding: 'shift_jis' })).toEqual([{ city: '東京', note: 'x' }]);
});

it.each<[string, Buffer, ReadOptions, RegExp]>([
  [
    'Latin-1',
    Buffer.from('city,note\nBern,x\nZ\xfcrich,x\n', 'latin1'),
    {},
    /^test is not UTF-8: byte 18 \(line 3\) is 0xfc\. .*--encoding windows-1252/,
  ],
  [
    'one damaged character among good ones',
    Buffer.concat([Buffer.from('{"a":"ü"}\n{"a":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}\n')]),
    {},
    /byte 17 \(line 2\) is 0xe2/,
  ],
  ['UTF-16 LE without a mark', Buffer.from(csv, 'utf16le'), {}, /UTF-16LE without.*--encoding utf-16le/],
  ['UTF-16 BE without a mark', utf16be(csv), {}, /UTF-16BE without.*--encoding utf-16be/],
  ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), {}, /UTF-32.*iconv/],
  ['UTF-8 that is said to be Latin-1', Buffer.from(csv), { encoding: 'latin1' }, /is UTF-8, not latin1/],
  [
    'half a character of UTF-16',
    Buffer.concat([Buffer.from(`\uFEFF${csv}`, 'utf16le'), Buffer.from([0x61])]),
    {},
    /are not utf-16le/,
  ],
])('refuses %s, and says the way out', async (_, bytes, options, message) => {
  await expect(read(bytes, options)).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringMatching(message),
  });
});

it('rejects damaged lines one by one if UTF-8 is said', async () => {
  const bytes = Buffer.from('city,note\nBern,x\nZ\xfcrich,x\n', 'latin1');
  expect(await read(bytes, { encoding: 'utf-8' })).toEqual([{ city: 'Bern', note: 'x' }, 'not_utf8']);
});
