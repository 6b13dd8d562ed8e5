import { createTestBucket, type TestBucket } from '@windrow/lake/testing';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { type Spark, startSpark } from './spark.ts';
import { sparkOnFiles } from './spark-on-files.ts';
import { sparkOnTables } from './spark-on-tables.ts';

// In one file, because they share a JVM: its start and its first queries cost more than most of what follows.
describe('Spark', () => {
  let bucket: TestBucket;
  let spark: Spark;
  beforeAll(async () => {
    bucket = await createTestBucket(inject('endpoints'));
    spark = startSpark({ ...inject('endpoints'), LAKE_BUCKET: bucket.options.bucket });
  });
  afterAll(async () => {
    await spark?.stop();
    bucket?.store.close();
  });

  sparkOnFiles(() => spark);
  sparkOnTables(
    () => spark,
    () => bucket,
  );
});
