import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { createLogger, loadConfig } from '@windrow/runtime';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openToAll } from '../fixtures/access.ts';
import { producerConfig } from './config.ts';
import { createServer } from './server.ts';
import { readTls, rereadTlsOnSignal } from './tls.ts';

const dir = mkdtempSync(join(tmpdir(), 'windrow-tls-'));
const environment = {
  KAFKA_BROKERS: '127.0.0.1:9',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1',
  ADMIN_PORT: '0',
  HTTP_PORT: '0',
};
const files = { HTTP_TLS_CERT_FILE: join(dir, 'used.crt'), HTTP_TLS_KEY_FILE: join(dir, 'used.key') };
const configOf = (more: object) => loadConfig(producerConfig, { ...environment, ...more });

function makeCertificate(name: string): void {
  const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.crt`)];
  const options = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    `/CN=${name}`,
  ];
  execFileSync('openssl', ['req', '-x509', ...options, '-days', '2', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
}

function use(name: string): void {
  copyFileSync(join(dir, `${name}.crt`), files.HTTP_TLS_CERT_FILE);
  copyFileSync(join(dir, `${name}.key`), files.HTTP_TLS_KEY_FILE);
}

beforeAll(() => {
  makeCertificate('first');
  makeCertificate('second');
  use('first');
});
afterAll(() => rmSync(dir, { recursive: true }));

/** The name in the server's certificate, and the status of the response. */
function ask(port: number): Promise<{ name: string; status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const request = get(
      { port, host: '127.0.0.1', path: '/docs/openapi.json', rejectUnauthorized: false, agent: false },
      (response) => {
        const { subject } = (response.socket as TLSSocket).getPeerCertificate();
        response.resume().on('end', () => resolve({ name: String(subject.CN), status: response.statusCode }));
      },
    );
    request.on('error', reject);
  });
}

it('serves HTTPS, and after SIGHUP with the certificate that the files have then', async () => {
  const config = configOf(files);
  const log = createLogger('test', 'fatal');
  const metrics = { requests: { inc: () => undefined } };
  const parts = { intakes: [], access: openToAll(), log, metrics } as never;
  const tls = readTls(config);
  if (!tls) throw new Error('TLS is not configured');
  const app = createServer(parts, { tls });
  rereadTlsOnSignal(app.server, config, log);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  try {
    expect(await ask(port)).toEqual({ name: 'first', status: 200 });

    // A plain HTTP connection is closed, and other clients are served.
    const plain = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => plain.on('error', () => undefined).once('close', resolve));
    plain.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
    await closed;

    // A certificate without its key is ignored.
    copyFileSync(join(dir, 'second.crt'), files.HTTP_TLS_CERT_FILE);
    process.emit('SIGHUP');
    expect(await ask(port)).toEqual({ name: 'first', status: 200 });

    use('second');
    process.emit('SIGHUP');
    await vi.waitFor(async () => expect(await ask(port)).toEqual({ name: 'second', status: 200 }));
  } finally {
    process.removeAllListeners('SIGHUP');
    await app.close();
  }
});

it('is off without files, and refuses one without the other, and files that are none', () => {
  expect(readTls(configOf({}))).toBeUndefined();
  expect(() => configOf({ HTTP_TLS_CERT_FILE: files.HTTP_TLS_CERT_FILE })).toThrow(
    /HTTP_TLS_KEY_FILE: is not set/,
  );
  expect(() => readTls(configOf({ ...files, HTTP_TLS_KEY_FILE: join(dir, 'none') }))).toThrow(/ENOENT/);
  const broken = join(dir, 'broken.key');
  writeFileSync(broken, readFileSync(join(dir, 'first.key'), 'utf8').slice(0, 60));
  expect(() => readTls(configOf({ ...files, HTTP_TLS_KEY_FILE: broken }))).toThrow(
    /not a certificate and its key/,
  );
});
