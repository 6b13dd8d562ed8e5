import type {
  AuditFacts,
  DeadLetterCause,
  KeptAccount,
  LedgerLine,
  PartitionSpan,
  StreamFacts,
} from './facts.ts';
import { type Finding, Findings, type Verdict } from './findings.ts';
import { judgeTables, type TableLine } from './judge-tables.ts';

/** The counts of one partition of an input topic. Null for a table that the stream does not have. */
export interface PartitionLine {
  stream: string;
  topic: string;
  partition: number;
  consumed: number;
  accepted: number;
  duplicates: number;
  deletions: number;
  /** Events that steps dropped, by reason. */
  dropped: Record<string, number>;
  deadLettered: number;
  lakeRaw: number;
  lakeCurated: number | null;
  postgres: number | null;
  verdict: Verdict;
}

export interface Audit {
  /** Every line is `ok`. */
  addsUp: boolean;
  partitions: PartitionLine[];
  tables: TableLine[];
  findings: Finding[];
}

/** Compares the facts with each other. It is a pure function. */
export function judge(facts: AuditFacts): Audit {
  const findings = new Findings(facts.moving.length > 0);
  const partitions = facts.streams.flatMap((stream) =>
    stream.raw.partitions.map((span) => judgePartition(stream, span, facts, findings)),
  );
  const tables = judgeTables(facts, findings);
  for (const topic of facts.moving) {
    findings.behind(topic, 'ends', 'records came in during the audit: stop the senders, or audit again');
  }
  return {
    addsUp: findings.all.length === 0,
    partitions: partitions.map((line) => ({
      ...line,
      verdict: findings.verdictOf(`${line.topic}/${line.partition}`),
    })),
    tables: tables.map((line) => ({ ...line, verdict: findings.verdictOf(line.table) })),
    findings: findings.all,
  };
}

function judgePartition(
  stream: StreamFacts,
  span: PartitionSpan,
  facts: AuditFacts,
  findings: Findings,
): Omit<PartitionLine, 'verdict'> {
  const { partition } = span;
  const line = `${stream.raw.name}/${partition}`;
  const accounts = stream.accounts
    .filter((account) => account.partition === partition)
    .sort((a, b) => a.first_offset - b.first_offset || a.next_offset - b.next_offset);
  judgeRanges(line, accounts, span, findings);
  judgeBalance(line, accounts, findings);
  const rejected = sumByKey(accounts.map((account) => account.rejected));
  judgeRejections(line, stream.raw.name, partition, rejected, facts, findings);

  const consumed = sum(accounts.map((account) => account.consumed));
  const accepted = sum(accounts.map((account) => account.accepted));
  const deletions = sum(accounts.map((account) => account.deletions));
  const deadLettered = sum([...rejected.values()]);
  const undecodable = sum(
    [...rejected].filter(([cause]) => cause.startsWith('decode/')).map(([, count]) => count),
  );
  const landed = stream.enriched ?? stream.raw;
  const rejectedBy = (topic: string, stage: string) =>
    sum(
      facts.deadLetters.causes
        .filter((cause) => isOf(cause, topic, partition) && cause.stage === stage)
        .map(({ events }) => events),
    );
  const rowsOf = (table: string, topic: string, ledger: LedgerLine[], expected: number, formula: string) => {
    const entry = ledger.find((candidate) => candidate.partition === partition);
    const replayed = entry?.replayed ?? 0;
    // Rows that replays withdraw because Postgres rejects them have dead letters of its stage. The ledger counts only the sink's.
    const ofPostgres = Math.max(0, rejectedBy(topic, 'postgres') - (entry?.rejected ?? 0));
    const deadLetters = rejectedBy(stream.raw.name, 'replay') + ofPostgres;
    judgeWithdrawals({ line, table, withdrawn: -replayed, deadLetters }, findings);
    const end = (topic === landed.name ? landed : stream.raw).partitions.find(
      (candidate) => candidate.partition === partition,
    )?.end;
    const rows = expected + replayed;
    const of = replayed === 0 ? formula : `${formula} − withdrawn by replays`;
    judgeLedger({ line, table, topic, entry, end: end ?? 0, expected: rows, formula: of }, findings);
    return entry?.rows ?? 0;
  };

  const { lakeRaw, lakeCurated, postgres } = stream;
  return {
    stream: stream.stream,
    topic: stream.raw.name,
    partition,
    consumed,
    accepted,
    duplicates: sum(accounts.map((account) => account.duplicates)),
    deletions,
    dropped: Object.fromEntries(sumByKey(accounts.map((account) => account.dropped))),
    deadLettered,
    lakeRaw: rowsOf(
      `lake ${lakeRaw.path}`,
      lakeRaw.topic,
      lakeRaw.ledger,
      consumed - deletions - undecodable - rejectedBy(lakeRaw.topic, 'lake'),
      'consumed − deletions − undecodable',
    ),
    lakeCurated: lakeCurated
      ? rowsOf(
          `lake ${lakeCurated.path}`,
          lakeCurated.topic,
          lakeCurated.ledger,
          accepted - rejectedBy(lakeCurated.topic, 'lake'),
          'accepted',
        )
      : null,
    postgres: postgres
      ? rowsOf(
          `postgres ${postgres.table}`,
          postgres.topic,
          postgres.ledger,
          accepted - (postgres.ledger.find((entry) => entry.partition === partition)?.rejected ?? 0),
          'accepted − rejected by Postgres',
        )
      : null,
  };
}

/** Checks that the ranges of the accounts join without gaps or overlaps, from offset 0 to the topic's end. */
function judgeRanges(
  line: string,
  accounts: KeptAccount[],
  { end }: PartitionSpan,
  findings: Findings,
): void {
  let next = 0;
  let former = -1;
  for (const { first_offset: first, next_offset: after, offset } of accounts) {
    if (first > next) {
      findings.wrong(line, 'ranges', `no account of offsets ${next} to ${first - 1} (${first - next} lost)`);
    } else if (first < next) {
      const last = Math.min(next, after) - 1;
      const both = `records ${former} and ${offset} of accounts`;
      findings.wrong(line, 'ranges', `offsets ${first} to ${last} are accounted for twice (${both})`);
    }
    if (after > next) former = offset;
    next = Math.max(next, after);
  }
  if (next > end) findings.differs(line, 'ranges', `accounts go to offset ${next}, the topic ends at ${end}`);
  if (next < end) findings.behind(line, 'ranges', `the enricher is ${end - next} offsets behind`);
}

/** Checks each account: consumed = accepted + duplicates + deletions + dropped + dead-lettered. */
function judgeBalance(line: string, accounts: KeptAccount[], findings: Findings): void {
  for (const account of accounts) {
    const { consumed, accepted, duplicates, deletions } = account;
    const rejected = sum(Object.values(account.rejected));
    const dropped = sum(Object.values(account.dropped));
    if (consumed !== accepted + duplicates + deletions + dropped + rejected) {
      const range = `offsets ${account.first_offset} to ${account.next_offset - 1}`;
      const parts = `${accepted} accepted + ${duplicates} duplicates + ${deletions} deletions + ${dropped} dropped + ${rejected} dead-lettered`;
      findings.wrong(line, 'balance', `${range}: ${consumed} consumed, but ${parts}`);
    }
  }
}

/** Checks that the accounts and the dead-letter topic have the same rejected events by cause. */
function judgeRejections(
  line: string,
  topic: string,
  partition: number,
  rejected: Map<string, number>,
  { deadLetters }: AuditFacts,
  findings: Findings,
): void {
  // Dead letters that retention has deleted can't be counted.
  if (deadLetters.topic.partitions.some(({ start }) => start > 0)) return;
  const sent = new Map<string, number>();
  for (const cause of deadLetters.causes) {
    if (!isOf(cause, topic, partition) || isSinkStage(cause.stage)) continue;
    sent.set(`${cause.stage}/${cause.reason}`, cause.events);
  }
  for (const cause of new Set([...rejected.keys(), ...sent.keys()])) {
    const [counted, found] = [rejected.get(cause) ?? 0, sent.get(cause) ?? 0];
    if (counted !== found) {
      const message = `${cause}: ${counted} were dead-lettered by the accounts, ${found} are in ${deadLetters.topic.name}`;
      findings.differs(line, 'dead letters', message);
    }
  }
}

interface LedgerCheck {
  line: string;
  table: string;
  topic: string;
  entry: LedgerLine | undefined;
  end: number;
  expected: number;
  formula: string;
}

function judgeLedger(
  { line, table, topic, entry, end, expected, formula }: LedgerCheck,
  findings: Findings,
): void {
  const next = entry?.nextOffset ?? 0;
  if (next > end) {
    findings.differs(line, table, `its ledger is at offset ${next} of ${topic}, which ends at ${end}`);
  } else if (next < end) {
    findings.behind(line, table, `it is ${end - next} offsets of ${topic} behind`);
  } else if (!findings.isBehind(line) && (entry?.rows ?? 0) !== expected) {
    const rows = entry?.rows ?? 0;
    const verb = rows < expected ? `${expected - rows} lost` : `${rows - expected} too many`;
    findings.differs(line, table, `${rows} rows landed, expected ${expected} (${formula}): ${verb}`);
  }
}

/** Checks that each row that replays have withdrawn has a dead letter. A later replay may have restored the row. */
function judgeWithdrawals(
  {
    line,
    table,
    withdrawn,
    deadLetters,
  }: { line: string; table: string; withdrawn: number; deadLetters: number },
  findings: Findings,
): void {
  if (withdrawn <= deadLetters) return;
  const message = `replays have withdrawn ${withdrawn} rows, and ${deadLetters} events are dead letters of replays: ${withdrawn - deadLetters} lost`;
  findings.differs(line, table, message);
}

function sumByKey(counts: Record<string, number>[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [key, count] of counts.flatMap((each) => Object.entries(each)))
    sums.set(key, (sums.get(key) ?? 0) + count);
  return sums;
}

function isOf(cause: DeadLetterCause, topic: string, partition: number): boolean {
  return cause.topic === topic && cause.partition === partition;
}

/** Accounts do not count dead letters of sinks and replays. These are compared with the rows of the tables. */
function isSinkStage(stage: string): boolean {
  return stage === 'lake' || stage === 'postgres' || stage === 'replay';
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
