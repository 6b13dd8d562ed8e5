import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { findBrowser } from '../../packages/stack/setup/prerequisites.mjs';

const bundle = path.dirname(fileURLToPath(import.meta.resolve('@segment/analytics-next/dist/umd/index.js')));

/** Starts the system's browser without a window. */
export function startBrowser(): Promise<Browser> {
  const found = findBrowser();
  if (!found)
    throw new Error('There is no Chromium or Chrome; npm run setup -- --readers says how to get it.');
  const executablePath = execFileSync('/bin/sh', ['-c', `command -v '${found}'`], {
    encoding: 'utf8',
  }).trim();
  // In containers, which run as root, Chromium has no sandbox of its own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Serves an empty page with Segment's SDK in it, on an origin of its own. */
export async function servePage(): Promise<{ url: string; close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    const file = path.join(bundle, path.basename(request.url ?? '/'));
    if (request.url === '/') {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>a shop</title><script src="/index.js"></script>');
    } else {
      response.setHeader('content-type', 'text/javascript');
      createReadStream(file)
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
