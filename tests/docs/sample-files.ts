import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { ObjectStore } from '@windrow/lake';
import { root } from './blocks.ts';

/** Events of the flights of January 2013, a few: `count` of them from the file's line `from` on. */
function lines(file: string, from: number, count: number): string[] {
  const text = gunzipSync(readFileSync(path.join(root, 'examples/flights-2013-01', file))).toString();
  return text.split('\n').slice(from, from + count);
}

/** The files that the guides name, in a folder and in a bucket. */
export async function writeSampleFiles(directory: string, bucket: ObjectStore): Promise<void> {
  const weather = lines('weather.jsonl.gz', 0, 60).map((line) => JSON.parse(line) as Record<string, unknown>);
  const columns = [...new Set(weather.flatMap((row) => Object.keys(row)))];
  const csv = [columns, ...weather.map((row) => columns.map((name) => row[name] ?? ''))];
  writeFileSync(path.join(directory, 'my-weather.csv'), csv.map((row) => row.join(',')).join('\n'));
  const events = lines('track_events.jsonl.gz', 0, 100);
  writeFileSync(path.join(directory, 'my-events.jsonl.gz'), gzipSync(events.join('\n')));
  const others = lines('track_events.jsonl.gz', 100, 50).map((line) => JSON.parse(line) as unknown);
  writeFileSync(path.join(directory, 'other-events.json'), JSON.stringify(others));
  const day = path.join(directory, 'exports/track/date=2013-01-15');
  mkdirSync(day, { recursive: true });
  writeFileSync(path.join(day, 'events.jsonl'), lines('track_events.jsonl.gz', 150, 20).join('\n'));
  await bucket.put(
    'track/date=2013-01-15/events.jsonl',
    Buffer.from(lines('track_events.jsonl.gz', 170, 20).join('\n')),
  );
}
