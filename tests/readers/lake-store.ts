import { S3ObjectStore } from '@windrow/lake';
import { must } from '@windrow/runtime/testing';
import type { LakeEnvironment } from './readers.ts';

/** The lake's bucket, to write to what readers then read. Close it. */
export function openLake(env: LakeEnvironment): S3ObjectStore {
  const { AWS_ACCESS_KEY_ID, AWS_REGION, AWS_SECRET_ACCESS_KEY, LAKE_BUCKET, S3_ENDPOINT } = env;
  return new S3ObjectStore({
    bucket: must(LAKE_BUCKET),
    region: must(AWS_REGION),
    endpoint: must(S3_ENDPOINT),
    credentials: { accessKeyId: must(AWS_ACCESS_KEY_ID), secretAccessKey: must(AWS_SECRET_ACCESS_KEY) },
  });
}
