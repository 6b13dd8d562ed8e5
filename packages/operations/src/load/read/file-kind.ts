import { WindrowError } from '@windrow/runtime';
import { hasControlCharacter } from './lines.ts';

/** What a file is, by its first bytes. */
export type FileKind = 'text' | 'parquet' | 'avro';

const sheet = 'save it as CSV (UTF-8) and load that';
const unpack = 'unpack it first, and load the files in it';
const toParquet = 'convert it to Parquet or JSON Lines first, for example with DuckDB or pandas';

interface Foreign {
  magic: string;
  name: string;
  wayOut: string;
}

const latin = (magic: string, name: string, wayOut: string): Foreign => ({ magic, name, wayOut });
const pipe = (command: string) => `load it with ${command} FILE | windrow load --stream NAME -`;

/** Formats that are not read, by their first bytes as Latin-1 text. */
const foreign: Foreign[] = [
  latin('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'an Excel workbook (.xls)', sheet),
  latin(
    'SQLite format 3\0',
    'an SQLite database',
    'export its table as CSV: sqlite3 -header -csv FILE "select * from TABLE"',
  ),
  latin('ORC', 'an ORC file', toParquet),
  latin('ARROW1', 'an Arrow (Feather) file', toParquet),
  latin('FEA1', 'a Feather file', toParquet),
  latin('\xff\xff\xff\xff', 'an Arrow stream', toParquet),
  latin('PARE', 'a Parquet file with an encrypted footer', 'decrypt it first'),
  latin('\x89HDF\r\n\x1a\n', 'an HDF5 file', toParquet),
  latin('PGCOPY\n\xff\r\n\0', 'binary output of COPY', 'write it with COPY … (FORMAT csv, HEADER)'),
  latin('BZh', 'compressed with bzip2', pipe('bunzip2 -c')),
  latin('\xfd7zXZ\0', 'compressed with xz', pipe('xz -dc')),
  latin('\x04\x22\x4d\x18', 'compressed with LZ4', pipe('lz4 -dc')),
  latin('\xff\x06\0\0sNaPpY', 'compressed with Snappy', pipe('snzip -dc')),
  latin('7z\xbc\xaf\x27\x1c', 'a 7-Zip archive', unpack),
  latin('Rar!\x1a\x07', 'a RAR archive', unpack),
  latin('%PDF-', 'a PDF document', 'load the data from which it was made'),
];

/** @throws WindrowError FILE_UNREADABLE that names a format that is not read, and the way out */
export function fileKindOf(sample: Buffer, name: string): FileKind {
  const head = sample.subarray(0, 4_096).toString('latin1');
  const refuse = (what: string, wayOut: string) =>
    new WindrowError('FILE_UNREADABLE', `${name} is ${what}; ${wayOut}.`);
  // A text may begin like a binary format, for example with the column ORCID.
  const isBinary = hasControlCharacter(sample.subarray(0, 4_096));
  if (isBinary && head.startsWith('PAR1')) return 'parquet';
  if (head.startsWith('Obj\x01')) return 'avro';
  if (head.startsWith('PK\x03\x04')) {
    if (/xl\/|\[Content_Types\]\.xml|_rels\/|docProps\//.test(head))
      throw refuse('an Excel workbook (.xlsx)', sheet);
    if (head.includes('opendocument.spreadsheet')) throw refuse('an OpenDocument spreadsheet (.ods)', sheet);
    throw refuse('a ZIP archive', unpack);
  }
  if (head.slice(257, 262) === 'ustar') throw refuse('a tar archive', unpack);
  const found = isBinary ? foreign.find(({ magic }) => head.startsWith(magic)) : undefined;
  if (found) throw refuse(found.name, found.wayOut);
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(?:!doctype html|html|head|body)/i.test(text))
    throw refuse('an HTML page', 'look at it: it may be the error or the login page of a download');
  if (/^<(?:\?xml|!--|[a-z][\w:.-]*(?:\s[^<>]*)?>\s*<)/i.test(text))
    throw refuse('XML', 'convert it to JSON or CSV first');
  return 'text';
}
