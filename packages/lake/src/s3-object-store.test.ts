import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { S3ObjectStore } from './s3-object-store.ts';
import { createTestBucket, type TestBucket } from './testing/index.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined) => content && new TextDecoder().decode(content);

describe('S3ObjectStore on a real S3', () => {
  let bucket: TestBucket;
  beforeAll(async () => {
    bucket = await createTestBucket(inject('endpoints'));
  });
  afterAll(() => bucket.store.close());

  it('puts, gets, describes and deletes', async () => {
    const { store } = bucket;
    expect(await store.get('a/none')).toBeUndefined();
    expect(await store.head('a/none')).toBeUndefined();
    await store.put('a/one', bytes('first'));
    await store.put('a/one', bytes('second'));
    expect(text(await store.get('a/one'))).toBe('second');
    expect(await store.head('a/one')).toMatchObject({ key: 'a/one', sizeBytes: 6 });
    await store.delete('a/one');
    await store.delete('a/one');
    expect(await store.get('a/one')).toBeUndefined();
    expect(store.url('a/one')).toBe(`s3://${bucket.options.bucket}/a/one`);
  });

  it('puts large objects in parts', async () => {
    const { store, options } = bucket;
    const content = new Uint8Array(20 * 2 ** 20).map((_, index) => index >>> 12);
    await store.put('large', content);
    expect(Buffer.compare((await store.get('large')) ?? new Uint8Array(), content)).toBe(0);
    const { endpoint, region, credentials } = options;
    const client = new S3Client({
      endpoint: must(endpoint),
      region,
      credentials: must(credentials),
      forcePathStyle: true,
    });
    const { ETag } = await client.send(new HeadObjectCommand({ Bucket: options.bucket, Key: 'large' }));
    // For multipart uploads, S3 appends the number of parts to the hash.
    expect(ETag).toMatch(/-3"$/);
    client.destroy();
  });

  it('lets one of many racing writers make an object', async () => {
    const { store } = bucket;
    for (let race = 0; race < 5; race++) {
      const made = await Promise.all(
        Array.from({ length: 10 }, (_, writer) => store.putIfAbsent(`race/${race}`, bytes(`${writer}`))),
      );
      expect(made.filter((won) => won)).toHaveLength(1);
      expect(text(await store.get(`race/${race}`))).toBe(String(made.indexOf(true)));
    }
  });

  it('lists more than a page, in order, after a key', async () => {
    const { store } = bucket;
    const keys = Array.from({ length: 1_100 }, (_, n) => `list/${String(n).padStart(5, '0')}`);
    for (let start = 0; start < keys.length; start += 50) {
      await Promise.all(keys.slice(start, start + 50).map((key) => store.put(key, bytes(''))));
    }
    await store.put('list2/other', bytes(''));
    const listed: string[] = [];
    for await (const { key } of store.list({ prefix: 'list/', startAfter: 'list/00002' })) listed.push(key);
    expect(listed).toEqual(keys.slice(3));
  });

  it('says that asking again is no use when the bucket is missing', async () => {
    const store = new S3ObjectStore({ ...bucket.options, bucket: 'nowhere-to-be-found' });
    await expect(store.put('a', bytes(''))).rejects.toMatchObject({ code: 'S3_FAILED', retriable: false });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'S3_FAILED', retriable: false });
    store.close();
  });
});

describe('S3ObjectStore on an S3 in trouble', () => {
  // A fake server returns responses that a real S3 can't be made to return.
  async function storeOn(listener: RequestListener, requestTimeoutMs = 5_000) {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const store = new S3ObjectStore({
      bucket: 'b',
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { accessKeyId: 'key', secretAccessKey: 'a-very-secret-key' },
      requestTimeoutMs,
      maxAttempts: 2,
    });
    onTestFinished(() => {
      store.close();
      server.closeAllConnections();
      server.close();
    });
    return store;
  }
  const errorBody = (code: string) => `<Error><Code>${code}</Code><Message>said the test</Message></Error>`;

  it('asks again while another conditional write of the key is under way (409)', async () => {
    const statuses = [409, 409, 200];
    const store = await storeOn((request, response) => {
      request.resume();
      response.statusCode = statuses.shift() ?? 500;
      response.end(response.statusCode === 409 ? errorBody('ConditionalRequestConflict') : '');
    });
    expect(await store.putIfAbsent('k', bytes('x'))).toBe(true);
    expect(statuses).toEqual([]);
  });

  it('fails retriably after its attempts when the server is busy, and names the object', async () => {
    let requests = 0;
    const store = await storeOn((request, response) => {
      requests += 1;
      request.resume();
      response.statusCode = 503;
      response.end(errorBody('SlowDown'));
    });
    await expect(store.put('some/key', bytes('x'))).rejects.toMatchObject({
      code: 'S3_FAILED',
      retriable: true,
      message: expect.stringContaining('PUT s3://b/some/key'),
    });
    expect(requests).toBe(2);
  });

  it('fails retriably when no answer comes in time', async () => {
    const store = await storeOn((request) => void request.resume(), 200);
    await expect(store.get('k')).rejects.toMatchObject({ code: 'S3_FAILED', retriable: true });
  });

  it.each([400, 403, 404])(
    'fails retriably when the body of a %d is cut off: nobody knows what it said',
    async (status) => {
      const store = await storeOn((request, response) => {
        request.resume();
        response.writeHead(status, { 'content-length': '500' });
        response.write('<Error><Code>NoS', () => response.socket?.destroy());
      });
      await expect(store.get('k')).rejects.toMatchObject({ code: 'S3_FAILED', retriable: true });
    },
  );

  it('does not ask again without permission, and never shows the secret', async () => {
    let requests = 0;
    const store = await storeOn((request, response) => {
      requests += 1;
      request.resume();
      response.statusCode = 403;
      response.end(errorBody('AccessDenied'));
    });
    const error = await store.put('k', bytes('x')).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'S3_FAILED', retriable: false });
    expect(String(error)).not.toContain('a-very-secret-key');
    expect(requests).toBe(1);
  });
});
