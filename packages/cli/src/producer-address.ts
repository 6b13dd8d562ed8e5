import { WindrowError } from '@windrow/runtime';
import { resolveEnvironment } from './environment.ts';

/** How a command reaches the producer's HTTP API. */
export interface ProducerAddress {
  url: string;
  writeKey: string | undefined;
}

/**
 * From the command's options, else from PRODUCER_URL and WINDROW_WRITE_KEY, else from the local stack's services.
 * Error: USAGE where nothing names the producer
 */
export function producerAddress(
  options: { url?: string; writeKey?: string },
  { env, stateDir }: { env: NodeJS.ProcessEnv; stateDir: string },
): ProducerAddress {
  const url = options.url || env.PRODUCER_URL || resolveEnvironment(env, stateDir).env.PRODUCER_URL;
  if (!url || !URL.canParse(url)) {
    const reason = url ? `${JSON.stringify(url)} is no URL` : 'no producer is named';
    const message = `${reason}; set PRODUCER_URL or --url, as http://127.0.0.1:8080, or start the services with: windrow up`;
    throw new WindrowError('USAGE', message);
  }
  return { url, writeKey: options.writeKey || env.WINDROW_WRITE_KEY || undefined };
}
