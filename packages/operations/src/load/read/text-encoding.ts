import { isUtf8 } from 'node:buffer';
import { WindrowError } from '@windrow/runtime';
import { keptOfOverlongBytes } from './item.ts';

const utf8Mark = Buffer.from([0xef, 0xbb, 0xbf]);
const lineFeed = 0x0a;

/** `decoder`: the Encoding standard's label, undefined for UTF-8, which needs none. `markBytes`: length of the byte order mark. */
export interface TextEncoding {
  decoder: string | undefined;
  markBytes: number;
}

/**
 * The encoding of a text file: its byte order mark says it, otherwise the option, otherwise it must be UTF-8.
 * @param sample the beginning of the file
 * @param whole whether the sample is the whole file
 * @throws WindrowError FILE_UNREADABLE that names the first byte that is not UTF-8, and the option that helps
 */
export function textEncodingOf(
  sample: Buffer,
  whole: boolean,
  option: string | undefined,
  name: string,
): TextEncoding {
  const refuse = (reason: string) => new WindrowError('FILE_UNREADABLE', `${name} ${reason}`);
  if (sample.subarray(0, 3).equals(utf8Mark)) return { decoder: undefined, markBytes: 3 };
  const mark = sample.toString('hex', 0, 4);
  if (mark === 'fffe0000' || mark === '0000feff')
    throw refuse('is UTF-32; convert it first, for example with iconv -f UTF-32 -t UTF-8.');
  if (mark.startsWith('fffe')) return { decoder: 'utf-16le', markBytes: 2 };
  if (mark.startsWith('feff')) return { decoder: 'utf-16be', markBytes: 2 };

  const named = option === undefined ? undefined : new TextDecoder(option).encoding;
  if (named === 'utf-8') return { decoder: undefined, markBytes: 0 };
  const text = whole ? sample : upToLastLine(sample);
  if (named !== undefined) {
    if (!named.startsWith('utf-16') && text.some((byte) => byte > 0x7f) && isUtf8(text))
      throw refuse(`is UTF-8, not ${option}: load it without --encoding.`);
    return { decoder: named, markBytes: 0 };
  }
  const wide = wideEncodingOf(sample);
  if (wide)
    throw refuse(`is ${wide.toUpperCase()} without a byte order mark; load it with --encoding ${wide}.`);
  if (isUtf8(text)) return { decoder: undefined, markBytes: 0 };
  const { at, line, byte } = firstInvalid(text);
  throw refuse(
    `is not UTF-8: byte ${at} (line ${line}) is 0x${byte.toString(16)}. Name its encoding, for example --encoding windows-1252 for Western European text from Windows, or reject only the lines that are not UTF-8 with --encoding utf-8.`,
  );
}

/** Decodes any encoding of the Encoding standard to UTF-8. */
export async function* decoded(
  chunks: AsyncIterable<Buffer>,
  label: string,
  name: string,
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(label, { fatal: true });
  let bytes = 0;
  const decode = (chunk?: Buffer) => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream: chunk !== undefined }));
    } catch (cause) {
      const reason = `its bytes from ${bytes} on are not ${label}; name another encoding with --encoding`;
      throw new WindrowError('FILE_UNREADABLE', `${name} can't be read to its end: ${reason}.`, { cause });
    }
  };
  for await (const chunk of chunks) {
    yield decode(chunk);
    bytes += chunk.length;
  }
  yield decode();
}

/** A chunk may end within a character, but not at a line feed. */
function upToLastLine(sample: Buffer): Buffer {
  const end = sample.lastIndexOf(lineFeed);
  return sample.subarray(0, end === -1 ? Math.max(0, sample.length - 3) : end);
}

/** UTF-16 text has a zero in each second byte of ASCII characters; text in other encodings has none. */
function wideEncodingOf(sample: Buffer): string | undefined {
  const head = sample.subarray(0, keptOfOverlongBytes);
  const zeros = [0, 0];
  for (const [at, byte] of head.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (odd > head.length / 4 && even === 0) return 'utf-16le';
  if (even > head.length / 4 && odd === 0) return 'utf-16be';
  return undefined;
}

function firstInvalid(text: Buffer): { at: number; line: number; byte: number } {
  let [start, line] = [0, 1];
  for (let end = text.indexOf(lineFeed); end !== -1; end = text.indexOf(lineFeed, start)) {
    if (!isUtf8(text.subarray(start, end))) break;
    start = end + 1;
    line += 1;
  }
  let at = start;
  while (at < text.length) {
    const length = [1, 2, 3, 4].find((bytes) => isUtf8(text.subarray(at, at + bytes)));
    if (length === undefined) break;
    at += length;
  }
  return { at, line, byte: text[at] ?? 0 };
}
