import type {
  AuditFacts,
  IdFacts,
  LakeContent,
  LakeTableFacts,
  LedgerLine,
  PostgresFacts,
  RetainedRecords,
  Sample,
  StreamFacts,
  TopicFacts,
} from './facts.ts';
import type { Findings, Verdict } from './findings.ts';

export interface TableLine {
  /** `lake curated/track`, `postgres curated.track_event`. */
  table: string;
  /** Rows by the sink's ledger. */
  landed: number;
  /** Rows in the table: of the lake by its log, of Postgres counted in a deep audit only. */
  rows: number | null;
  files: number | null;
  bytes: number | null;
  verdict: Verdict;
}

type UnjudgedLine = Omit<TableLine, 'verdict'>;

/** Compares each table with its ledger, and both with the rows that a deep audit has read. */
export function judgeTables(facts: AuditFacts, findings: Findings): UnjudgedLine[] {
  const lines: UnjudgedLine[] = [];
  for (const stream of facts.streams) {
    if (stream.retained) judgeRetained(stream, stream.retained, findings);
    lines.push(judgeLakeTable(stream.lakeRaw, findings));
    if (stream.lakeCurated) {
      lines.push(judgeLakeTable(stream.lakeCurated, findings));
      judgeRepeatedIds(stream.lakeCurated, findings);
    }
    if (stream.postgres) lines.push(judgePostgresTable(stream.postgres, stream, findings));
    if (stream.ids) judgeIds(stream.ids, stream, facts, findings);
  }
  lines.push(judgeDeadLetterTable(facts, findings));
  judgeOrphans(facts, findings);
  return lines;
}

function judgeLakeTable(table: LakeTableFacts, findings: Findings): UnjudgedLine {
  const name = nameOf(table);
  const landed = landedRows(table.ledger);
  if (table.rows !== landed) {
    const message = `its log has files with ${table.rows} rows, its ledger counts ${landed}: ${difference(table.rows, landed)}`;
    findings.wrong(name, 'log', message);
  }
  if (table.content) judgeContent(table, table.content, findings);
  judgeSample(table, 'offsets', table.content?.repeatedOffsets, findings);
  return { table: name, landed, rows: table.rows, files: table.files, bytes: table.bytes };
}

/** Runs after all other checks. While anything is behind, a file without a commit may still get one. */
function judgeOrphans({ streams, deadLetters }: AuditFacts, findings: Findings): void {
  const tables = [...streams.flatMap(({ lakeRaw, lakeCurated }) => [lakeRaw, lakeCurated]), deadLetters.lake];
  for (const table of tables) {
    const orphans = table?.content?.orphans;
    if (!table || !orphans || orphans.count === 0) continue;
    const message = `${orphans.count} files that no commit names, which readers without the log would read: ${shown(orphans)}`;
    findings.differs(nameOf(table), 'orphans', message, 'all');
  }
}

/** Compares the rows of each partition, also of a partition that only the files or only the ledger have. */
function judgeContent(table: LakeTableFacts, content: LakeContent, findings: Findings): void {
  const counted = new Map(table.ledger.map(({ partition, rows }) => [partition, rows]));
  const found = new Map(content.rows.map(({ partition, rows }) => [partition, rows]));
  for (const partition of new Set([...counted.keys(), ...found.keys()])) {
    const [rows, landed] = [found.get(partition) ?? 0, counted.get(partition) ?? 0];
    if (rows === landed) continue;
    const message = `its files hold ${rows} rows of ${table.topic}/${partition}, its ledger counts ${landed}: ${difference(rows, landed)}`;
    findings.wrong(nameOf(table), 'files', message);
  }
}

function judgeSample(
  table: LakeTableFacts,
  kind: 'offsets',
  repeated: Sample | undefined,
  findings: Findings,
): void {
  if (!repeated || repeated.count === 0) return;
  findings.wrong(nameOf(table), kind, `${repeated.count} ${kind} occur more than once: ${shown(repeated)}`);
}

/** Duplicates are found within a partition, so that an event in two partitions has two rows. */
function judgeRepeatedIds(table: LakeTableFacts, findings: Findings): void {
  const repeated = table.content?.repeatedIds;
  if (!repeated || repeated.count === 0) return;
  const { count, inSeveralPartitions: several } = repeated;
  const cause =
    several.count === 0
      ? ''
      : `; ${several.count} of them are in several partitions (${shown(several)}): a producer sets another key than the contract, or uses another partitioner than Kafka's default (librdkafka: set partitioner to murmur2_random)`;
  findings.wrong(nameOf(table), 'ids', `${count} ids occur more than once: ${shown(repeated)}${cause}`);
}

function judgePostgresTable(
  table: PostgresFacts,
  { ids, lakeCurated }: Pick<StreamFacts, 'ids' | 'lakeCurated'>,
  findings: Findings,
): UnjudgedLine {
  const name = `postgres ${table.table}`;
  const landed = landedRows(table.ledger);
  const { rows } = table;
  if (rows !== undefined) {
    const expected = table.replaces ? (ids?.lake ?? landed) : landed;
    const by = table.replaces ? 'the lake has different ids:' : 'its ledger counts';
    // Of events with the same id, Postgres keeps one.
    const repeated = table.replaces ? 0 : (lakeCurated?.content?.repeatedIds.rows ?? 0);
    const merged = Math.min(repeated, Math.max(0, expected - rows));
    if (rows !== expected) {
      const lost = rows + merged === expected ? 'none is lost' : difference(rows + merged, expected);
      const why =
        merged === 0
          ? lost
          : `${merged} events have the id of another one, and it keeps one row for an id; ${lost}`;
      findings.differs(name, 'rows', `it has ${rows} rows, ${by} ${expected}: ${why}`, 'all');
    }
  }
  return { table: name, landed, rows: rows ?? null, files: null, bytes: null };
}

function judgeIds(ids: IdFacts, stream: StreamFacts, { deadLetters }: AuditFacts, findings: Findings): void {
  const name = `postgres ${ids.postgresTable}`;
  if (ids.onlyInLake.count > 0) {
    const message = `${ids.onlyInLake.count} ids of ${ids.lakeTable} are not in it: ${shown(ids.onlyInLake)}`;
    findings.differs(name, 'ids', message, 'all');
  }
  if (ids.repeatedInPostgres.count > 0) {
    const message = `${ids.repeatedInPostgres.count} ids occur more than once: ${shown(ids.repeatedInPostgres)}`;
    findings.wrong(name, 'ids', message);
  }
  if (ids.differing.count > 0) {
    const message = `${ids.differing.count} rows differ from ${ids.lakeTable}: ${shown(ids.differing)}`;
    findings.differs(name, 'values', message, 'all');
  }
  // Events that the lake rejected are dead letters, and may have a row in Postgres.
  const topic = stream.postgres?.topic;
  const rejected = deadLetters.causes
    .filter((cause) => cause.stage === 'lake' && cause.topic === topic)
    .reduce((total, { events }) => total + events, 0);
  if (ids.onlyInPostgres.count > rejected) {
    const message = `${ids.onlyInPostgres.count} ids of ${ids.postgresTable} are not in it: ${shown(ids.onlyInPostgres)}`;
    findings.differs(`lake ${ids.lakeTable}`, 'ids', message, 'all');
  }
}

/** Compares the records that the topics still have with the counts of the accounts. */
function judgeRetained(stream: StreamFacts, retained: RetainedRecords[], findings: Findings): void {
  const compare = (topic: TopicFacts | undefined, column: 'consumed' | 'accepted') => {
    for (const { partition, start, end } of topic?.partitions ?? []) {
      const line = `${stream.raw.name}/${partition}`;
      const accounts = stream.accounts.filter((account) => account.partition === partition);
      const counted = accounts.reduce((total, account) => total + account[column], 0);
      const records = retained.find((entry) => entry.topic === topic?.name && entry.partition === partition);
      if (!topic || !records || topic.compacted || start > 0 || findings.isBehind(line)) continue;
      if (records.records === counted) continue;
      const message = `${topic.name} holds ${records.records} records up to ${end}, the accounts say ${counted} ${column}`;
      findings.differs(line, topic.name, message);
    }
  };
  compare(stream.raw, 'consumed');
  compare(stream.enriched, 'accepted');
}

function judgeDeadLetterTable({ deadLetters }: AuditFacts, findings: Findings): UnjudgedLine {
  const { lake, topic, retained, repeated } = deadLetters;
  const name = nameOf(lake);
  if (repeated.count > 0) {
    const message = `${repeated.count} events have more than one dead letter: ${shown(repeated)}`;
    findings.wrong(name, 'repeated', message);
  }
  for (const { partition, start, end } of topic.partitions) {
    const entry = lake.ledger.find((candidate) => candidate.partition === partition);
    const [next, rows] = [entry?.nextOffset ?? 0, entry?.rows ?? 0];
    const records = retained.find((candidate) => candidate.partition === partition)?.records ?? 0;
    if (next < end) {
      findings.behind(name, topic.name, `it is ${end - next} offsets of ${topic.name}/${partition} behind`);
    } else if (start === 0 && rows !== records) {
      const message = `${topic.name}/${partition} holds ${records} records, ${rows} rows landed: ${difference(rows, records)}`;
      findings.differs(name, topic.name, message, 'all');
    }
  }
  return judgeLakeTable(lake, findings);
}

function nameOf(table: LakeTableFacts): string {
  return `lake ${table.path}`;
}

function landedRows(ledger: LedgerLine[]): number {
  return ledger.reduce((total, { rows }) => total + rows, 0);
}

function difference(rows: number, expected: number): string {
  return rows < expected ? `${expected - rows} lost` : `${rows - expected} too many`;
}

function shown({ count, examples }: Sample): string {
  return `${examples.join(', ')}${count > examples.length ? ', …' : ''}`;
}
