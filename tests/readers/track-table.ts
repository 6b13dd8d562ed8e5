import { readFileSync } from 'node:fs';
import { createEncoder, LakeTable, ledgerColumns, type TableSchema } from '@windrow/lake';
import type { TestBucket } from '@windrow/lake/testing';
import { columnBuffersFrom } from '@windrow/lake/testing';
import { expect, vi } from 'vitest';

export const trackPath = 'curated/track';
const of = { topic: 'track.enriched', partition: 0 };
const schema: TableSchema = {
  columns: [
    { name: 'event_name', type: 'string', nullable: true },
    { name: 'occurred_at', type: 'timestamp', nullable: true },
    { name: 'precip_type', type: 'string', nullable: true },
    ...ledgerColumns,
  ],
};

async function land(table: LakeTable, from: number, to: number): Promise<number> {
  const claim = await table.claim([of]);
  const offsets = Array.from({ length: to - from }, (_, n) => from + n);
  const columns = [
    offsets.map((n) => `event ${n}`),
    offsets.map((n) => (Date.UTC(2013, 0, 1) + n) * 1_000),
    offsets.map((n) => (n % 4 === 0 ? 'rain' : null)),
    ...[offsets.map(() => of.topic), offsets.map(() => 0), offsets, offsets.map(() => 0)],
  ];
  const encode = () =>
    createEncoder('columnar').encode({
      buffers: columnBuffersFrom({ schema, rowCount: offsets.length, columns }),
    });
  const files = [{ partitionValues: { date: '2013-01-01' }, namePrefix: '20130101T0000', encode }];
  const ranges = [{ ...of, fromOffset: from, nextOffset: to, rows: to - from }];
  return (await table.commit(await table.upload(claim, files), ranges)).version;
}

/** A version with five rows, of eight that there are, and a time at which it was the newest one. */
export interface Then {
  readonly version: number;
  readonly timeMs: number;
}

export async function writeTrack({ store }: TestBucket): Promise<Then> {
  const table = await LakeTable.open(store, { path: trackPath, schema, sink: 'lake' });
  const version = await land(table, 0, 5);
  // Stores tell times in whole seconds.
  const timeMs = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000;
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(timeMs + 1_000), 10_000);
  await land(table, 5, 8);
  return { version, timeMs };
}

/** The examples under a heading of a page in one language, about the table in a bucket, its version and its time. */
export function examples(
  { options: { bucket } }: TestBucket,
  { version, timeMs }: Then,
  [file, heading, language]: readonly [file: string, heading: string, language: string],
): string[] {
  const page = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const section = page.split(/^##+ /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, of]) => of === language)
    .map(([, , text = '']) =>
      text
        .replaceAll(/\b41\b/g, String(version))
        .replaceAll('2013-01-15T12:00:00Z', new Date(timeMs).toISOString())
        .replaceAll(/(s3a?):\/\/lake\//g, `$1://${bucket}/`),
    );
}
