/**
 * Profiles a lake sink with V8's sampling profiler: `npm run bench -- profile [events]`. Profiling has a small cost, so the
 * rates differ from those of `lake`.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { land } from './lake/land.ts';
import { profiledAreas } from './lake/profile.ts';
import { openTopic } from './lake/topic.ts';
import { ReportWriter } from './report.ts';

const [events = 2_000_000] = process.argv.slice(2).map(Number);
/** Smaller shares are combined into one line. */
const smallestShare = 0.01;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const dir = mkdtempSync(path.join(tmpdir(), 'windrow-bench-profile-'));
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));

const report = new ReportWriter({
  table: 'profile',
  title: `Where the time of a lake sink goes, ${events.toLocaleString('en')} events`,
  columns: [{ name: 'code' }, { name: 'share', unit: '%', digits: 1 }, { name: 'mostly' }],
});
const topic = await openTopic(process.env, { events, windows: 1 });
await topic.fill(0, events);
report.progress('the topic is filled');
const profiles = path.join(dir, 'profiles');
mkdirSync(profiles);
const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
const landed = await land({ topic, events, instances: 1, env: process.env, dir, nodeOptions });
await topic.close();

const areas = profiledAreas(profiles, landed.secondsToReady);
const total = areas.reduce((sum, { seconds }) => sum + seconds, 0);
const large = areas.filter(({ seconds }) => seconds >= smallestShare * total);
for (const { name, seconds, functions } of large) {
  const most = functions.slice(0, 4).map((of) => `${of.name} ${((100 * of.seconds) / total).toFixed(0)} %`);
  report.add([name, (100 * seconds) / total, most.join(', ')]);
}
const rest = total - large.reduce((sum, { seconds }) => sum + seconds, 0);
report.add(['all else', (100 * rest) / total, '']);
report.note(
  `The process used ${landed.cpuSeconds.toFixed(1)} s of the processors in all: what is not here is of its start, and of threads without JavaScript. ${Math.round(landed.rowsPerSecond).toLocaleString('en')} rows/s while it was sampled.`,
);
report.close();
process.exit(0);
