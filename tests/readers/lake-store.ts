import { S3ObjectStore } from '@windrow/lake';
import type { LakeEnvironment } from './readers.ts';

/** The lake's bucket, to write to what readers then read. Close it. */
export function openLake(env: LakeEnvironment): S3ObjectStore {
  const { AWS_ACCESS_KEY_ID, AWS_REGION, AWS_SECRET_ACCESS_KEY, LAKE_BUCKET, S3_ENDPOINT } = env;
  return new S3ObjectStore({
    bucket: LAKE_BUCKET!,
    region: AWS_REGION!,
    endpoint: S3_ENDPOINT!,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID!, secretAccessKey: AWS_SECRET_ACCESS_KEY! },
  });
}
