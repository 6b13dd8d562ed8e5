import { expect, test } from 'vitest';
import { WindrowError } from './errors.ts';
import { Readiness } from './readiness.ts';
import { retryUntilReady } from './retry-until-ready.ts';

const log = { warn: () => undefined };

test('the condition is unmet, with the last error as its reason, while the call fails', async () => {
  const readiness = new Readiness();
  const seen: Record<string, string>[] = [];
  let calls = 0;
  const result = await retryUntilReady(
    async () => {
      seen.push(readiness.reasons());
      calls += 1;
      if (calls < 3) throw new WindrowError('S3_FAILED', `failure ${calls}`, { retriable: true });
      return 'done';
    },
    { condition: 'lake', readiness, log },
  );
  expect(result).toBe('done');
  expect(seen).toEqual([{}, { lake: 'failure 1' }, { lake: 'failure 2' }]);
  expect(readiness.reasons()).toEqual({});
});

test('an error that is not retriable is thrown at once, and leaves no condition behind', async () => {
  const readiness = new Readiness();
  const failing = retryUntilReady(() => Promise.reject(new WindrowError('S3_FAILED', 'no such bucket')), {
    condition: 'lake',
    readiness,
    log,
  });
  await expect(failing).rejects.toMatchObject({ code: 'S3_FAILED' });
  expect(readiness.reasons()).toEqual({});
});
