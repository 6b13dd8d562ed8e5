import { DeltaLog, deleteGarbage, garbageIn, systemHost } from '@windrow/lake';
import { collectFacts, type Installation, judge } from '@windrow/operations';
import type { FetchedBatch } from '@windrow/pipeline';
import { type LakeReader, type Row, readFilesWithDuckDb, readWithDeltaRs } from '../readers/readers.ts';
import type { Accepted } from './load.ts';

export interface Proof {
  losses: number;
  duplicates: number;
  /** Every violation, in words. */
  findings: string[];
}

const exampleCount = 5;

/**
 * Runs the audit. Independently of the pipeline's code, except the reader of topics, it also compares the acknowledged events
 * with the rows that delta-rs, a glob over the Parquet files and SQL find.
 */
export async function prove(
  installation: Installation,
  env: NodeJS.ProcessEnv,
  accepted: Accepted,
): Promise<Proof> {
  const proof = new Comparison();
  const audit = judge(await collectFacts(installation, { deep: true }));
  for (const { verdict, line, check, message } of audit.findings) {
    proof.findings.push(`audit: ${verdict}: ${line}, ${check}: ${message}`);
  }
  const topic = await readRaw(installation, accepted.bad);
  const lake = env as Record<string, string>;
  const lakeReaders: [string, LakeReader][] = [
    ['delta-rs', readWithDeltaRs],
    ['Parquet files', settledFiles(installation.lake)],
  ];
  for (const [name, read] of lakeReaders) {
    const curated = await read(lake, 'curated/track', 'SELECT event_id FROM t');
    proof.compare(`curated/track by ${name}`, accepted.ids, texts(curated, 'event_id'));
    const raw = await read(lake, 'raw/track', `SELECT _partition || '/' || _offset AS position FROM t`);
    proof.compare(`raw/track by ${name}`, topic.decodable, texts(raw, 'position'));
    const letters = await read(
      lake,
      'rejected/dead_letter',
      `SELECT partition || '/' || "offset" AS position, "value" AS bytes FROM t WHERE topic = 'track.raw'`,
    );
    const found = letters.map(({ position, bytes }) => `${String(position)} ${String(bytes)}`);
    proof.compare(`rejected/dead_letter by ${name}`, topic.bad, found);
  }
  const events = await installation.postgres.query<Row>('SELECT event_id FROM curated.track_event');
  proof.compare('curated.track_event by SQL', accepted.ids, texts(events, 'event_id'));
  const observations = await installation.postgres.query<{ city: string; observed_at: Date }>(
    'SELECT city, observed_at FROM curated.weather_observation',
  );
  proof.compare(
    'curated.weather_observation by SQL',
    accepted.observations,
    observations.map(({ city, observed_at }) => `${city}@${observed_at.toISOString()}`),
  );
  for (const value of accepted.bad) {
    if (!topic.badValues.has(value)) proof.lost('track.raw', [`the bad record ${value}`]);
  }
  await compareWindows(installation, proof);
  return proof;
}

/** Longer than a compaction takes. Files that are uncommitted after this time are never committed, and are a finding. */
const settlingMs = 60_000;

/**
 * Reads the plain files between two compactions: replaced files are vacuumed, and no file is added or about to be committed
 * meanwhile.
 */
function settledFiles(lake: Installation['lake']): LakeReader {
  return async (env, table, sql) => {
    const untilMs = Date.now() + settlingMs;
    for (;;) {
      const version = (await DeltaLog.open(lake, table, systemHost))?.version;
      // Files that no commit names remain, and are a finding.
      const garbage = await garbageIn(lake, table, systemHost, Date.now());
      await deleteGarbage(
        lake,
        garbage.filter(({ kind }) => kind === 'removed'),
      );
      const rows = await readFilesWithDuckDb(env, table, sql);
      const log = await DeltaLog.open(lake, table, systemHost);
      const isSettled = log?.version === version && !(await isUploading(lake, table));
      if (isSettled || Date.now() > untilMs) return rows;
    }
  };
}

/** Whether an intent lists files that no commit names. */
async function isUploading(lake: Installation['lake'], table: string): Promise<boolean> {
  const { adds } = (await (await DeltaLog.open(lake, table, systemHost))?.files()) ?? { adds: new Map() };
  const known = new Set([...adds.keys()].map((path) => `${table}/${decodeURIComponent(path)}`));
  for (const { key } of await garbageIn(lake, table, systemHost, Date.now())) known.add(key);
  for await (const { key } of lake.list({ prefix: `${table}/date=` })) if (!known.has(key)) return true;
  return false;
}

class Comparison implements Proof {
  losses = 0;
  duplicates = 0;
  readonly findings: string[] = [];

  /** Requires that each expected item is found once, and no other item. */
  compare(where: string, expected: ReadonlySet<string>, found: readonly string[]): void {
    const times = new Map<string, number>();
    for (const thing of found) times.set(thing, (times.get(thing) ?? 0) + 1);
    this.lost(
      where,
      [...expected].filter((thing) => !times.has(thing)),
    );
    const repeated = [...times].filter(([, count]) => count > 1).map(([thing]) => thing);
    this.duplicates += found.length - times.size;
    this.#find(where, 'more than once', repeated);
    this.#find(
      where,
      'never acknowledged',
      [...times.keys()].filter((thing) => !expected.has(thing)),
    );
  }

  lost(where: string, things: string[]): void {
    this.losses += things.length;
    this.#find(where, 'lost', things);
  }

  #find(where: string, what: string, things: string[]): void {
    if (things.length === 0) return;
    const more = things.length > exampleCount ? ', …' : '';
    this.findings.push(
      `${where}: ${things.length} ${what}: ${things.slice(0, exampleCount).join(', ')}${more}`,
    );
  }
}

interface RawTopic {
  /** Positions of the records in the registry's Avro format. */
  decodable: Set<string>;
  /** `partition/offset bytes` of the records that must be dead letters. */
  bad: Set<string>;
  badValues: Set<string>;
}

/** Reads the raw topic. An invalid record that was sent twice is in it twice, and must be a dead letter twice. */
async function readRaw({ broker }: Installation, badValues: ReadonlySet<string>): Promise<RawTopic> {
  const raw: RawTopic = { decodable: new Set(), bad: new Set(), badValues: new Set() };
  const reader = await broker.read({
    topic: 'track.raw',
    onBatch({ partition, records }: FetchedBatch) {
      for (const { offset, value } of records) {
        const bytes = value?.toString('hex') ?? '';
        if (value?.[0] === 0) raw.decodable.add(`${partition}/${offset}`);
        if (!badValues.has(bytes)) continue;
        raw.bad.add(`${partition}/${offset} ${bytes}`);
        raw.badValues.add(bytes);
      }
    },
  });
  try {
    await reader.reached(await broker.endOffsets('track.raw'));
  } finally {
    await reader.close();
  }
  return raw;
}

/** Recomputes the ten-minute windows from the events. @returns the windows with other aggregates */
async function compareWindows(installation: Installation, proof: Comparison): Promise<void> {
  const differing = await installation.postgres.query<Row>(`
    WITH again AS (
      SELECT date_bin('10 minutes', occurred_at, timestamptz '1970-01-01 00:00:00+00') AS window_start,
        coalesce(weather_city, city, '') AS city, coalesce(event_name, '') AS event_name,
        count(*) AS events, count(*) FILTER (WHERE weather_match = 'matched') AS matched_events,
        count(*) FILTER (WHERE precip_type IS NOT NULL) AS wet_events,
        round(coalesce(sum(temperature_c), 0)::numeric, 6) AS temperature_c_sum,
        count(temperature_c) AS temperature_c_count
      FROM curated.track_event GROUP BY 1, 2, 3
    ), kept AS (
      SELECT window_start, city, event_name, events, matched_events, wet_events,
        round(temperature_c_sum::numeric, 6) AS temperature_c_sum, temperature_c_count
      FROM curated.city_window
    )
    (TABLE again EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE again)`);
  if (differing.length > 0) {
    const examples = differing.slice(0, exampleCount).map((row) => JSON.stringify(row));
    proof.findings.push(`curated.city_window: ${differing.length} rows differ: ${examples.join(', ')}`);
  }
}

function texts(rows: readonly Row[], column: string): string[] {
  return rows.map((row) => String(row[column]));
}
