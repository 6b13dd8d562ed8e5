import { describe, expect, test } from 'vitest';
import { ResponseFramer } from './response-framing.ts';

function responseOf(body: string): Buffer {
  const bytes = Buffer.alloc(4 + body.length);
  bytes.writeInt32BE(body.length);
  bytes.write(body, 4);
  return bytes;
}

function framed() {
  const responses: string[] = [];
  const framer = new ResponseFramer((response) => {
    expect(response.readInt32BE()).toBe(response.length - 4);
    responses.push(response.toString('latin1', 4));
  });
  return { responses, framer };
}

describe('the responses of a connection', () => {
  test('are complete wherever a read begins and ends, and keep no reference to the read buffer', () => {
    const bodies = ['', 'a', 'response', 'x'.repeat(40)];
    const stream = Buffer.concat(bodies.map(responseOf));
    for (let size = 1; size <= stream.length; size++) {
      const { responses, framer } = framed();
      for (let at = 0; at < stream.length; at += size) {
        const read = Buffer.from(stream.subarray(at, at + size));
        framer.take(read);
        read.fill(0xff);
      }
      expect(responses).toEqual(bodies);
    }
  });

  test('are complete when they are longer than the memory that is allocated at once', () => {
    const { responses, framer } = framed();
    const piece = Buffer.alloc(2 ** 20, 'piece ');
    const length = Buffer.alloc(4);
    length.writeInt32BE(40 * piece.length);
    framer.take(length);
    for (let index = 0; index < 40; index++) framer.take(piece);
    expect(responses).toHaveLength(1);
    expect(responses[0] === piece.toString('latin1').repeat(40)).toBe(true);
  });

  test('get little memory before their bytes arrive, when the length is not plausible', () => {
    const { framer } = framed();
    const before = process.memoryUsage().arrayBuffers;
    // An HTTP server's answer, read as a length: 1.2 GB.
    framer.take(Buffer.from('HTTP/1.1 400 Bad Request\r\n'));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 27);
  });

  test('are an error where the length is negative', () => {
    const { framer } = framed();
    expect(() => framer.take(Buffer.from([0xff, 0xff, 0xff, 0xfe]))).toThrow('this is no Kafka broker');
  });
});
