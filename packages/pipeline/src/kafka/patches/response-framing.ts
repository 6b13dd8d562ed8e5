import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { responseBuffers } from '../response-buffer-pool.ts';
import { internalModule } from './kafkajs-internals.ts';

/** A response begins with its length, an int32. */
const lengthBytes = 4;
/** A longer response gets its memory as its bytes arrive: the length may come from something that is no Kafka broker. */
const trustedBytes = 2 ** 25;

/** Cuts the bytes that a connection reads into responses. Each gets one buffer of its own, its length field included. */
export class ResponseFramer {
  readonly #onResponse: (response: Buffer) => void;
  readonly #lengthField = Buffer.alloc(lengthBytes);
  #response: Buffer | undefined;
  /** How many bytes of the response have arrived. */
  #filled = 0;
  #length = 0;

  constructor(onResponse: (response: Buffer) => void) {
    this.#onResponse = onResponse;
  }

  /** The caller may overwrite `bytes` afterwards. @throws RangeError where a length is negative */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#response === undefined) {
        this.#lengthField[this.#filled++] = bytes[at++] ?? 0;
        if (this.#filled < lengthBytes) continue;
        this.#response = this.#begin();
      }
      const part = bytes.subarray(at, at + this.#length - this.#filled);
      this.#response = this.#append(this.#response, part);
      at += part.length;
      if (this.#filled < this.#length) return;
      const complete = this.#response;
      this.#response = undefined;
      this.#filled = 0;
      this.#onResponse(complete);
    }
  }

  #begin(): Buffer {
    const size = this.#lengthField.readInt32BE();
    if (size < 0) throw new RangeError(`a response has a length of ${size} bytes: this is no Kafka broker`);
    this.#length = lengthBytes + size;
    const response = responseBuffers.allocate(Math.min(this.#length, trustedBytes));
    response.set(this.#lengthField);
    return response;
  }

  #append(response: Buffer, part: Uint8Array): Buffer {
    const needed = this.#filled + part.length;
    let target = response;
    if (needed > response.length) {
      target = responseBuffers.allocate(Math.min(this.#length, Math.max(needed, 2 * response.length)));
      target.set(response.subarray(0, this.#filled));
    }
    target.set(part, this.#filled);
    this.#filled = needed;
    return target;
  }
}

interface Connection {
  socket: Socket;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  processData(bytes: Buffer): unknown;
}

/**
 * Gives kafkajs complete responses only. By itself, kafkajs 2.2.4 keeps the chunks of 64 KiB that it reads and copies them
 * together. That allocates twice the bytes outside of V8's heap, for which V8 then collects the whole heap. And when a
 * connection breaks within a response, kafkajs takes the next connection's bytes for the rest of it: it waits for responses
 * that have arrived already, or ends the process by an error that nobody can catch.
 */
export function frameResponses(): void {
  const { prototype } = internalModule<{ prototype: Connection }>('network/connection.js');
  const { processData } = prototype;
  const framers = new WeakMap<Socket, ResponseFramer>();
  const framerOf = (connection: Connection): ResponseFramer => {
    const framer = new ResponseFramer((response) => {
      // kafkajs would copy the response behind an empty rest of the one before.
      Object.assign(connection, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes });
      processData.call(connection, response);
    });
    framers.set(connection.socket, framer);
    return framer;
  };
  prototype.processData = function (this: Connection, bytes) {
    try {
      (framers.get(this.socket) ?? framerOf(this)).take(bytes);
    } catch (error) {
      this.socket.destroy(error as Error);
    }
  };
}

/** A connection reads into one buffer of this size, again and again. */
const readBytes = 2 ** 18;
const keepAliveDelayMs = 60_000;

/**
 * Makes connections for kafkajs as kafkajs does, but the bytes of a `data` event are overwritten by the next one:
 * {@link frameResponses} copies them.
 */
export const reusedBufferSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
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
