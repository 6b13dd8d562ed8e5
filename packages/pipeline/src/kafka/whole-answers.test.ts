import { describe, expect, test } from 'vitest';
import { AnswerAssembly } from './whole-answers.ts';

function answerOf(body: string): Buffer {
  const bytes = Buffer.alloc(4 + body.length);
  bytes.writeInt32BE(body.length);
  bytes.write(body, 4);
  return bytes;
}

function assembled() {
  const answers: string[] = [];
  const assembly = new AnswerAssembly((answer) => {
    expect(answer.readInt32BE()).toBe(answer.length - 4);
    answers.push(answer.toString('latin1', 4));
  });
  return { answers, assembly };
}

describe('answers of a connection', () => {
  test('are whole, wherever what is read begins and ends, and keep nothing of what it is read into', () => {
    const bodies = ['', 'a', 'answer', 'x'.repeat(40)];
    const stream = Buffer.concat(bodies.map(answerOf));
    for (let size = 1; size <= stream.length; size++) {
      const { answers, assembly } = assembled();
      for (let at = 0; at < stream.length; at += size) {
        const read = Buffer.from(stream.subarray(at, at + size));
        assembly.take(read);
        read.fill(0xff);
      }
      expect(answers).toEqual(bodies);
    }
  });

  test('are whole where they are longer than what is believed at once', () => {
    const { answers, assembly } = assembled();
    const piece = Buffer.alloc(2 ** 20, 'piece ');
    const head = Buffer.alloc(4);
    head.writeInt32BE(40 * piece.length);
    assembly.take(head);
    for (let index = 0; index < 40; index++) assembly.take(piece);
    expect(answers).toHaveLength(1);
    expect(answers[0] === piece.toString('latin1').repeat(40)).toBe(true);
  });

  test('take no more room than has come, give or take, when a length is not to be believed', () => {
    const { assembly } = assembled();
    const before = process.memoryUsage().arrayBuffers;
    // What a server of HTTP says: 1.2 GB are to come.
    assembly.take(Buffer.from('HTTP/1.1 400 Bad Request\r\n'));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 27);
  });

  test('are refused where a length is negative', () => {
    const { assembly } = assembled();
    expect(() => assembly.take(Buffer.from([0xff, 0xff, 0xff, 0xfe]))).toThrow('this is no Kafka broker');
  });
});
