import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createSecureContext, type Server as TlsServer } from 'node:tls';
import { type Logger, WindrowError } from '@windrow/runtime';
import type { ProducerConfig } from './config.ts';

type TlsConfig = Pick<ProducerConfig, 'HTTP_TLS_CERT_FILE' | 'HTTP_TLS_KEY_FILE'>;

/** PEM texts. */
export interface TlsKeyPair {
  cert: string;
  key: string;
}

/** Undefined where the configuration names no files. Error: CONFIG_INVALID, for files that can't be read or don't fit */
export function readTls({
  HTTP_TLS_CERT_FILE: certFile,
  HTTP_TLS_KEY_FILE: keyFile,
}: TlsConfig): TlsKeyPair | undefined {
  if (certFile === undefined || keyFile === undefined) return undefined;
  try {
    const pair = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    const message = `HTTP_TLS_CERT_FILE ${certFile} and HTTP_TLS_KEY_FILE ${keyFile} are no certificate with its key: ${(cause as Error).message}`;
    throw new WindrowError('CONFIG_INVALID', message, { cause });
  }
}

/** On SIGHUP, connections from then on get the files' certificate; where it doesn't fit, they get the old one. */
export function rereadTlsOnSignal(server: Server, config: TlsConfig, log: Logger): void {
  process.on('SIGHUP', () => {
    try {
      const pair = readTls(config);
      if (pair) (server as Server & Partial<TlsServer>).setSecureContext?.(pair);
      log.info('read the TLS certificate again');
    } catch (error) {
      log.error({ err: error }, 'keeping the old TLS certificate');
    }
  });
}
