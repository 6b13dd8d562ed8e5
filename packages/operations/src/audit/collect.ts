import { accountTopic, deadLetterTable, deadLetterTopic, type StreamContract } from '@windrow/contracts';
import type { Add, DeltaLog } from '@windrow/lake';
import { WindrowError } from '@windrow/runtime';
import type { Installation } from '../installation.ts';
import {
  type LakeTableName,
  lakeLedger,
  openLog,
  postgresLedger,
  postgresTables,
  streamTables,
} from '../ledgers.ts';
import { assertTopics, endsOf, topicFacts } from '../topics.ts';
import { compareRows } from './compare-rows.ts';
import { dataFiles, orphansAmong } from './data-files.ts';
import type { AuditFacts, LakeTableFacts, StreamFacts, TopicFacts } from './facts.ts';
import { readLakeContent } from './lake-content.ts';
import { countRetained, type DeadLettersRead, readAccounts, readDeadLetters } from './read-topics.ts';

export interface CollectOptions {
  /** Whether to read the rows of the tables and the records of the topics, too. */
  deep?: boolean;
  signal?: AbortSignal;
}

interface Collecting extends CollectOptions {
  installation: Installation;
  deadLetters: DeadLettersRead;
}

/**
 * Collects from Kafka, the lake and Postgres the facts that an audit compares.
 * @throws WindrowError TOPIC_MISSING, POSTGRES_FAILED before `windrow streams apply`; errors of Kafka, the registry and S3
 */
export async function collectFacts(
  installation: Installation,
  { deep = false, signal }: CollectOptions = {},
): Promise<AuditFacts> {
  const { contracts, broker } = installation;
  await assertTopics(installation);
  const topicsOf = await Promise.all(
    contracts.map(async (contract) => ({
      contract,
      topics: await streamTopics(installation, contract),
    })),
  );
  const accountsTopic = await topicFacts(installation, accountTopic.name, false);
  const deadLetterFacts = await topicFacts(installation, deadLetterTopic.name, false);
  const [accounts, deadLetters] = await Promise.all([
    readAccounts(installation, accountsTopic, signal),
    readDeadLetters(installation, deadLetterFacts, signal),
  ]);
  const collecting: Collecting = { installation, deadLetters, deep, ...(signal && { signal }) };

  const streams: StreamFacts[] = [];
  for (const { contract, topics } of topicsOf) {
    const own = accounts.filter(({ topic }) => topic === topics.raw.name);
    streams.push({ ...(await collectStream(collecting, contract, topics)), accounts: own });
  }
  const lake = await collectLakeTable(collecting, { path: deadLetterTable, topic: deadLetterTopic.name }, []);
  const read = [
    ...topicsOf.flatMap(({ topics: { raw, enriched } }) => (enriched ? [raw, enriched] : [raw])),
    deadLetterFacts,
  ];
  return {
    streams,
    deadLetters: {
      topic: deadLetterFacts,
      retained: deadLetters.retained,
      causes: deadLetters.causes,
      repeated: deadLetters.repeated,
      lake: lake.facts,
    },
    moving: await movedSince(read, (topic) => broker.endOffsets(topic)),
  };
}

type StreamTopics = Pick<StreamFacts, 'raw' | 'enriched'>;

async function streamTopics(
  installation: Installation,
  { topics: { raw, enriched } }: StreamContract,
): Promise<StreamTopics> {
  return {
    raw: await topicFacts(installation, raw.name, raw.cleanup === 'compact'),
    ...(enriched && {
      enriched: await topicFacts(installation, enriched.name, enriched.cleanup === 'compact'),
    }),
  };
}

async function collectStream(
  collecting: Collecting,
  contract: StreamContract,
  topics: StreamTopics,
): Promise<Omit<StreamFacts, 'accounts'>> {
  const { installation, deep, signal, deadLetters } = collecting;
  const [rawName, curatedName] = streamTables(contract);
  const raw = await collectLakeTable(collecting, rawName, []);
  const curated = curatedName && (await collectLakeTable(collecting, curatedName, contract.id));
  const [postgresName] = postgresTables([contract]);
  const postgres = postgresName && {
    ...postgresName,
    replaces: contract.curated?.onConflict === 'replace',
    ledger: await postgresLedger(installation, postgresName.topic),
  };
  const facts = {
    stream: contract.name,
    ...topics,
    lakeRaw: raw.facts,
    ...(curated && { lakeCurated: curated.facts }),
  };
  if (!deep) return { ...facts, ...(postgres && { postgres }) };

  const retained = await countRetained(installation, topics.raw, signal);
  if (topics.enriched) retained.push(...(await countRetained(installation, topics.enriched, signal)));
  if (!postgres) return { ...facts, retained };
  const source = curated ?? raw;
  const comparing = { installation, contract, table: source.facts, deadLetters: deadLetters.positions };
  const ids = await compareRows(comparing, source.adds);
  return { ...facts, retained, postgres: { ...postgres, rows: ids.postgresRows }, ids: ids.facts };
}

/** @param id the fields whose values must be unique; empty for a table that keeps duplicates */
async function collectLakeTable(
  { installation, deep }: Collecting,
  table: LakeTableName,
  id: string[],
): Promise<{ facts: LakeTableFacts; adds: Add[] }> {
  // Listed before the log is read. Otherwise a file that is committed meanwhile would look like one without a commit.
  const present = deep ? await dataFiles(installation, table) : [];
  const log = await openLog(installation, table);
  const { ledger, adds, tombstones } = await ledgerAndFiles(log, table);
  const facts: LakeTableFacts = {
    ...table,
    ledger,
    files: adds.length,
    bytes: adds.reduce((total, { size }) => total + size, 0),
    rows: adds.reduce((total, add) => total + rowsOf(add), 0),
  };
  if (!deep) return { facts, adds };
  const content = await readLakeContent(installation, table, adds, id);
  const orphans = orphansAmong(present, table, [...adds.map(({ path }) => path), ...tombstones]);
  return { facts: { ...facts, content: { ...content, orphans } }, adds };
}

/** Reads the ledger and the files of the same version. It reads them again if a commit came in between. */
async function ledgerAndFiles(log: DeltaLog | undefined, { path, topic }: LakeTableName) {
  if (!log) return { ledger: [], adds: [], tombstones: [] };
  for (let attempt = 1; attempt <= 10; attempt++) {
    const { adds, removes, version } = await log.files();
    await log.refresh();
    if (log.version === version) {
      return { ledger: lakeLedger(log, topic), adds: [...adds.values()], tombstones: [...removes.keys()] };
    }
  }
  const message = `table ${path} gets new commits faster than its log can be read. Audit again when fewer events arrive`;
  throw new WindrowError('LAKE_CONFLICT', message, { retriable: true });
}

function rowsOf({ stats }: Add): number {
  return stats ? ((JSON.parse(stats) as { numRecords?: number }).numRecords ?? 0) : 0;
}

async function movedSince(
  topics: TopicFacts[],
  endOffsets: (topic: string) => Promise<Map<number, number>>,
): Promise<string[]> {
  const moved: string[] = [];
  for (const topic of topics) {
    const now = await endOffsets(topic.name);
    if ([...endsOf(topic)].some(([partition, end]) => now.get(partition) !== end)) moved.push(topic.name);
  }
  return moved;
}
