import { WindrowError } from '@windrow/runtime';
import { resolveEnvironment } from './environment.ts';

/** The address of the producer's HTTP API and the write key of a command. */
export interface ProducerAddress {
  url: string;
  writeKey: string | undefined;
}

/**
 * Takes both from the command's options, otherwise from PRODUCER_URL and WINDROW_WRITE_KEY, otherwise from the services of
 * the local stack.
 * @throws WindrowError USAGE if none of them gives a valid URL
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
