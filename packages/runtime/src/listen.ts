import type { FastifyInstance } from 'fastify';
import { WindrowError } from './errors.ts';

/**
 * Starts to listen.
 * @returns the actual address (`http://127.0.0.1:40123`), with the chosen port if `port` is 0
 * @throws WindrowError ADDRESS_UNAVAILABLE
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new WindrowError(
      'ADDRESS_UNAVAILABLE',
      `Can't listen on ${host}:${port} (${code}); choose another address, or stop the process that uses it.`,
      { cause },
    );
  }
}
