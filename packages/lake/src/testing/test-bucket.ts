import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { S3ObjectStore, type S3Options } from '../s3-object-store.ts';

export interface TestBucket {
  readonly options: S3Options;
  readonly store: S3ObjectStore;
}

/**
 * A new, empty bucket in the S3 of the local stack; the emulator forgets it when it stops.
 * @param endpoints by the names of `.windrow/stack.env`; in a test `inject('endpoints')`
 */
export async function createTestBucket(endpoints: Readonly<Record<string, string>>): Promise<TestBucket> {
  const { S3_ENDPOINT: endpoint = '', AWS_REGION: region = 'us-east-1' } = endpoints;
  const credentials = {
    accessKeyId: endpoints.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: endpoints.AWS_SECRET_ACCESS_KEY ?? '',
  };
  const options: S3Options = { bucket: `test-${randomUUID()}`, region, endpoint, credentials };
  const client = new S3Client({ region, endpoint, forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: options.bucket }));
  client.destroy();
  return { options, store: new S3ObjectStore(options) };
}
