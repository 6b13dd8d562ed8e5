import { expect, test } from 'vitest';
import { distances, positionsOf, summary } from './distance.ts';

test('a reader is behind where it has not reached the end, or has no position at all', () => {
  const ends = new Map([
    [2, 10],
    [1, 7],
    [0, 5],
    [3, 0],
  ]);
  const at = positionsOf([
    { partition: 0, nextOffset: 5, rows: 5, rejected: 0, replayed: 0 },
    { partition: 1, nextOffset: 6, rows: 6, rejected: 0, replayed: 0 },
  ]);
  expect(distances('lake curated/track', 'track.enriched', ends, at)).toEqual([
    { reader: 'lake curated/track', topic: 'track.enriched', partition: 1, by: 1 },
    { reader: 'lake curated/track', topic: 'track.enriched', partition: 2, by: 10 },
  ]);
});

test('the summary adds up the partitions of each reader', () => {
  const behind = (reader: string, by: number) => ({ reader, topic: 't', partition: 0, by });
  expect(summary([behind('enricher', 3), behind('lake raw/track', 1), behind('enricher', 4)])).toBe(
    'enricher 7, lake raw/track 1',
  );
});
