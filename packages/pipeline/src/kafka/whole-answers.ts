import { createRequire } from 'node:module';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { roomFor } from './answer-room.ts';

/** Of an answer's length, with which it begins. */
const lengthBytes = 4;
/** What is told to be longer gets room as it comes: it may come from something that is no Kafka. */
const trustedBytes = 2 ** 25;

/** Puts what a connection reads together to answers, each in bytes of its own, its length included. */
export class AnswerAssembly {
  readonly #onAnswer: (answer: Buffer) => void;
  readonly #head = Buffer.alloc(lengthBytes);
  #answer: Buffer | undefined;
  /** What has come of the answer. */
  #filled = 0;
  #length = 0;

  constructor(onAnswer: (answer: Buffer) => void) {
    this.#onAnswer = onAnswer;
  }

  /** `bytes` may be overwritten afterwards. @throws RangeError where a length is negative */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#answer === undefined) {
        this.#head[this.#filled++] = bytes[at++]!;
        if (this.#filled < lengthBytes) continue;
        this.#answer = this.#begin();
      }
      const part = bytes.subarray(at, at + this.#length - this.#filled);
      this.#answer = this.#with(this.#answer, part);
      at += part.length;
      if (this.#filled < this.#length) return;
      const whole = this.#answer;
      this.#answer = undefined;
      this.#filled = 0;
      this.#onAnswer(whole);
    }
  }

  #begin(): Buffer {
    const size = this.#head.readInt32BE();
    if (size < 0) throw new RangeError(`an answer of ${size} bytes: this is no Kafka broker`);
    this.#length = lengthBytes + size;
    const answer = roomFor(Math.min(this.#length, trustedBytes));
    answer.set(this.#head);
    return answer;
  }

  #with(answer: Buffer, part: Uint8Array): Buffer {
    const needed = this.#filled + part.length;
    let room = answer;
    if (needed > answer.length) {
      room = roomFor(Math.min(this.#length, Math.max(needed, 2 * answer.length)));
      room.set(answer.subarray(0, this.#filled));
    }
    room.set(part, this.#filled);
    this.#filled = needed;
    return room;
  }
}

// The parts of kafkajs 2.2.4 that are used here; none of them is in the package's types.
interface Connection {
  socket: Socket;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  processData(bytes: Buffer): unknown;
}

let isDone = false;

/**
 * Gives kafkajs 2.2.4 whole answers only. By itself it keeps the pieces that it reads, of 64 KiB, and copies them together: so
 * twice the bytes come and go outside of V8's heap, for which V8 collects all of that. And where a connection breaks within an
 * answer, it takes what comes on the next one for the rest of it: then it waits for answers that have come, or ends the process
 * by an error that nobody can catch.
 */
export function takeWholeAnswers(): void {
  if (isDone) return;
  isDone = true;
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/network/connection.js') as { prototype: Connection };
  const { processData } = prototype;
  const assemblies = new WeakMap<Socket, AnswerAssembly>();
  const assemblyOf = (connection: Connection): AnswerAssembly => {
    const assembly = new AnswerAssembly((answer) => {
      // What is left of the answer before, which is nothing, would be put before this one, in a copy.
      Object.assign(connection, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes });
      processData.call(connection, answer);
    });
    assemblies.set(connection.socket, assembly);
    return assembly;
  };
  prototype.processData = function (this: Connection, bytes) {
    try {
      (assemblies.get(this.socket) ?? assemblyOf(this)).take(bytes);
    } catch (error) {
      this.socket.destroy(error as Error);
    }
  };
}

/** All that a connection reads goes through as many bytes, which are used again and again. */
const readBytes = 2 ** 18;
const keepAliveDelayMs = 60_000;

/**
 * Connections for kafkajs, as its own are; but what comes with an event `data` is overwritten by the next one: for
 * {@link takeWholeAnswers}, which copies it.
 */
export const rereadingSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const onread = {
    buffer: Buffer.allocUnsafeSlow(readBytes),
    callback(length: number, { buffer, byteOffset }: Uint8Array): boolean {
      socket.emit('data', Buffer.from(buffer, byteOffset, length));
      return true;
    },
  };
  const options = { host, port, onread };
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  const socket: Socket = ssl
    ? tls.connect({ ...options, ...servername, ...ssl }, onConnect)
    : net.connect(options, onConnect);
  return socket.setKeepAlive(true, keepAliveDelayMs);
};
