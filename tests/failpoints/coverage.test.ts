import { existsSync } from 'node:fs';
import { failpoints } from '@windrow/runtime';
import { expect, test } from 'vitest';
import { areas, failpointsOf } from './installation.ts';

test('every failpoint belongs to an area, whose test file takes all of the area’s', () => {
  expect(areas.flatMap(failpointsOf).sort()).toEqual([...failpoints]);
  for (const area of areas) expect(existsSync(new URL(`${area}.test.ts`, import.meta.url))).toBe(true);
});
