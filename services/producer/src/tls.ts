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

/**
 * Reads the certificate and its key.
 * @returns undefined if the configuration names no files
 * @throws WindrowError CONFIG_INVALID if a file can't be read or the key is not that of the certificate
 */
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
    const message = `HTTP_TLS_CERT_FILE ${certFile} and HTTP_TLS_KEY_FILE ${keyFile} are not a certificate and its key: ${(cause as Error).message}`;
    throw new WindrowError('CONFIG_INVALID', message, { cause });
  }
}

/** Reloads the certificate for new connections on SIGHUP. If the new files are invalid, the old certificate stays. */
export function rereadTlsOnSignal(server: Server, config: TlsConfig, log: Logger): void {
  process.on('SIGHUP', () => {
    try {
      const pair = readTls(config);
      if (pair) (server as Server & Partial<TlsServer>).setSecureContext?.(pair);
      log.info('TLS certificate reloaded');
    } catch (error) {
      log.error({ err: error }, 'can not reload the TLS certificate; keeping the old one');
    }
  });
}
