import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3ObjectStore } from '@windrow/lake';
import { createTestBucket, type TestBucket } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { LoadFile } from './load-file.ts';
import { foundS3File, s3Address, s3File } from './s3-files.ts';

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await createTestBucket(inject('endpoints'));
});
afterAll(() => bucket?.store.close());

const { signal } = new AbortController();

async function read(file: LoadFile, until = signal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of file.bytes(until)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The real S3 behind a line that breaks after so many bytes of each body, as long as `cuts` says. */
async function throughBadLine(bytes: number, cuts: { left: number }) {
  const ranges: (string | undefined)[] = [];
  const { hostname, port } = new URL(bucket.options.endpoint ?? '');
  const server = createServer((from, to) => {
    if (from.method === 'GET') ranges.push(from.headers.range);
    const { method, url, headers } = from;
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
      to.writeHead(answer.statusCode ?? 500, answer.headers);
      let passed = 0;
      const isCut = method === 'GET' && cuts.left > 0;
      if (isCut) cuts.left -= 1;
      answer.on('data', (chunk: Buffer) => {
        const allowed = isCut ? chunk.subarray(0, Math.max(0, bytes - passed)) : chunk;
        passed += chunk.length;
        to.write(allowed, () => isCut && passed >= bytes && to.socket?.destroy());
      });
      answer.on('end', () => !isCut && to.end());
    });
    from.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = new S3ObjectStore({ ...bucket.options, endpoint, maxAttempts: 1 });
  onTestFinished(() => {
    store.close();
    server.closeAllConnections();
    server.close();
  });
  return { store, ranges };
}

const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7_919) >>> 5));

describe('the bytes of an object', () => {
  it('go on where the connection broke', async () => {
    await bucket.store.put('cut', content);
    const { store, ranges } = await throughBadLine(700_000, { left: 3 });
    const object = must(await store.head('cut'));
    expect((await read(s3File(store, object))).equals(content)).toBe(true);
    expect(ranges).toHaveLength(4);
    expect(ranges[0]).toBeUndefined();
    const starts = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(starts[0]).toBeGreaterThan(0);
  });

  it('fail retriably where nothing comes any more', async () => {
    await bucket.store.put('dead', content);
    const { store, ranges } = await throughBadLine(0, { left: 1_000 });
    const object = must(await store.head('dead'));
    await expect(read(s3File(store, object))).rejects.toMatchObject({ code: 'S3_FAILED', retriable: true });
    expect(ranges).toHaveLength(5);
  });

  it('are those of the version that was listed, also after a cut, or fail', async () => {
    await bucket.store.put('changing', content);
    const { store } = await throughBadLine(700_000, { left: 1 });
    const object = must(await store.head('changing'));
    const file = foundS3File(store, object);
    expect(file.remembered).toEqual({ url: bucket.store.url('changing'), version: object.etag });
    const bytes = file.bytes(signal)[Symbol.asyncIterator]();
    await bytes.next();
    await bucket.store.put('changing', Buffer.from(content).reverse());
    const rest = (async () => {
      while (!(await bytes.next()).done);
    })();
    const changed = { code: 'FILE_UNREADABLE', message: expect.stringContaining('was changed or deleted') };
    await expect(rest).rejects.toMatchObject(changed);
    await bucket.store.delete('changing');
    await expect(read(file)).rejects.toMatchObject(changed);
  });

  it('end with the signal', async () => {
    await bucket.store.put('stopped', content);
    const stop = new AbortController();
    const bytes = s3File(bucket.store, must(await bucket.store.head('stopped'))).bytes(stop.signal);
    const reading = (async () => {
      for await (const _ of bytes) stop.abort(new Error('stopped by the test'));
    })();
    await expect(reading).rejects.toThrow();
  });
});

describe('s3Address', () => {
  it('is a bucket, and what keys begin with', () => {
    expect(s3Address('s3://exports/track/2013')).toEqual({ bucket: 'exports', key: 'track/2013' });
    expect(s3Address('s3://exports')).toEqual({ bucket: 'exports', key: '' });
    expect(s3Address('s3://exports/')).toEqual({ bucket: 'exports', key: '' });
    expect(s3Address('track/s3://exports')).toBeUndefined();
    for (const wrong of ['s3://', 's3:///track', 's3://No_Bucket/x']) {
      expect(() => s3Address(wrong), wrong).toThrow('is no address of S3');
    }
  });
});
