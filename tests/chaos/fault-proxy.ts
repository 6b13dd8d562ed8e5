import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/**
 * Network faults for the connections through a proxy:
 * - `cut`: closes connections and accepts no new ones
 * - `slow`: delays every chunk by `delayMs`
 * - `halfOpen`: accepts connections but passes no data
 * - `cutUploads`: closes a connection after `bytes` of its request
 * - `loseAnswers`: passes the request and closes the connection before the response
 * - `cutAnswers`: closes the connection after `bytes` of the response
 * - `stallUploads`: passes `bytes` of a connection and then no more data
 * - `refuse`: answers every request with 503 SlowDown
 */
export type NetworkFault =
  | { kind: 'cut' }
  | { kind: 'slow'; delayMs: number }
  | { kind: 'halfOpen' }
  | { kind: 'cutUploads'; bytes: number }
  | { kind: 'loseAnswers' }
  | { kind: 'cutAnswers'; bytes: number }
  | { kind: 'stallUploads'; bytes: number }
  | { kind: 'refuse' };

const slowDownBody =
  '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';
const slowDown = [
  'HTTP/1.1 503 Slow Down',
  'content-type: application/xml',
  `content-length: ${slowDownBody.length}`,
  'connection: close',
  '',
  slowDownBody,
].join('\r\n');

/** A TCP proxy on the loopback address in front of one part of the stack. Closing it closes all its connections. */
export class FaultProxy {
  /** The address of the part through this proxy. */
  readonly url: string;
  readonly #server: net.Server;
  readonly #target: { port: number; host: string };
  readonly #sockets = new Set<net.Socket>();
  #fault: NetworkFault | undefined;

  private constructor(target: URL, server: net.Server) {
    this.#target = { port: Number(target.port), host: target.hostname };
    this.#server = server;
    const own = new URL(target);
    own.port = String((server.address() as AddressInfo).port);
    // URL.href adds a path to a URL without one. S3 clients accept both, but the plain address is easier to read.
    this.url = own.href.replace(/\/$/, '');
  }

  static async before(url: string): Promise<FaultProxy> {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new FaultProxy(new URL(url), server);
    server.on('connection', (client) => proxy.#connect(client));
    return proxy;
  }

  /** Starts the fault, also for open connections. Undefined ends the fault and releases connections that hang. */
  set(fault: NetworkFault | undefined): void {
    const hung = this.#fault?.kind === 'halfOpen' || this.#fault?.kind === 'stallUploads';
    this.#fault = fault;
    if (hung || fault?.kind === 'cut') for (const socket of this.#sockets) socket.destroy();
  }

  #connect(client: net.Socket): void {
    if (this.#fault?.kind === 'cut') {
      client.destroy();
      return;
    }
    const upstream = net.connect(this.#target);
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    let sentBytes = 0;
    client.on('data', (data) => {
      const fault = this.#fault;
      if (fault?.kind === 'refuse') client.end(slowDown);
      else if (fault?.kind === 'cutUploads') {
        const rest = fault.bytes - sentBytes;
        sentBytes += data.length;
        if (sentBytes < fault.bytes) upstream.write(data);
        else upstream.write(data.subarray(0, Math.max(0, rest)), () => client.destroy());
      } else if (fault?.kind === 'stallUploads') {
        if (sentBytes < fault.bytes) upstream.write(data);
        sentBytes += data.length;
      } else this.#pass(data, client, upstream);
    });
    upstream.on('data', (data) => {
      const fault = this.#fault;
      if (fault?.kind === 'loseAnswers') client.destroy();
      else if (fault?.kind === 'cutAnswers' && data.length > fault.bytes) {
        client.write(data.subarray(0, fault.bytes), () => client.destroy());
      } else this.#pass(data, upstream, client);
    });
  }

  /** Queues chunks behind delayed ones, so that their order is kept. */
  #pass(data: Buffer, from: net.Socket, to: net.Socket): void {
    const fault = this.#fault;
    if (fault?.kind === 'halfOpen') return;
    if (fault?.kind !== 'slow') {
      to.write(data);
      return;
    }
    from.pause();
    setTimeout(() => {
      if (!to.destroyed) to.write(data);
      from.resume();
    }, fault.delayMs);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
