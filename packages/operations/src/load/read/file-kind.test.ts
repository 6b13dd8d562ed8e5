import { expect, it } from 'vitest';
import { fileKindOf } from './file-kind.ts';

const kind = (text: string) => fileKindOf(Buffer.from(text, 'latin1'), 'data');

it.each([
  ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0', 'an Excel workbook (.xls); save it as CSV'],
  ['PK\x03\x04\x14\0\0\0[Content_Types].xml', 'an Excel workbook (.xlsx); save it as CSV'],
  ['PK\x03\x04\x14\0\0\0_rels/.rels', 'an Excel workbook (.xlsx); save it as CSV'],
  ['PK\x03\x04\x14\0\0\0data.csv', 'a ZIP archive; unpack it'],
  [`dir/${'\0'.repeat(253)}ustar\x0000`, 'a tar archive'],
  ['SQLite format 3\0\x10', 'an SQLite database; export its table as CSV'],
  ['ORC\x01\0', 'an ORC file'],
  ['ARROW1\0\0', 'an Arrow'],
  ['FEA1\0\0', 'a Feather file'],
  ['BZh91AY&SY\0\x01', 'compressed with bzip2; load it with bunzip2 -c'],
  ['\xfd7zXZ\0\0', 'compressed with xz'],
  ['\x04\x22\x4d\x18\0', 'compressed with LZ4'],
  ['<?xml version="1.0"?><a/>', 'XML'],
  ['<rows>\n<row/>', 'XML'],
  ['\xef\xbb\xbf<!DOCTYPE html><html>', 'an HTML page'],
])('names %j', (text, what) => {
  expect(() => kind(text)).toThrowError(expect.objectContaining({ code: 'FILE_UNREADABLE' }));
  expect(() => kind(text)).toThrowError(`data is ${what}`);
});

it('knows Parquet and Avro, and takes text for text whose first column has such a name', () => {
  expect(kind('PAR1\x15\0\x15')).toBe('parquet');
  expect(kind('Obj\x01\x04')).toBe('avro');
  const texts = [
    'ORCID,name\n1,a\n',
    'PAR1,b\n',
    'PARENT,b\n',
    'BZh,b\n',
    '<DATE>,<TIME>\n',
    '{"a":"<b>"}',
    'PK\t1\n',
  ];
  for (const text of texts) expect(kind(text), text).toBe('text');
});
