import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WindrowError } from '@windrow/runtime';
import type { AvroRecordSchema, StreamContract, StreamDefinition } from './contract.ts';
import { enrichedSchema } from './enriched-schema.ts';

const streamsDirectory = fileURLToPath(new URL('../streams/', import.meta.url));

/** Reads every folder under `streams/`; a folder that contradicts itself fails the start, with all its faults. */
export async function loadStreams(directory = streamsDirectory): Promise<StreamContract[]> {
  const names = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const contracts: StreamContract[] = [];
  for (const name of names) contracts.push(await loadStream(join(directory, name), name));
  const faults = contracts.flatMap((contract) => contractFaults(contract, contracts));
  if (faults.length > 0)
    throw new WindrowError('CONTRACT_INVALID', `contracts are wrong:\n  ${faults.join('\n  ')}`);
  return contracts;
}

async function loadStream(directory: string, name: string): Promise<StreamContract> {
  const schema = JSON.parse(readFileSync(join(directory, 'schema.avsc'), 'utf8')) as AvroRecordSchema;
  const module = (await import(pathToFileURL(join(directory, 'contract.ts')).href)) as {
    default: StreamDefinition;
  };
  const definition = module.default;
  if (definition.name !== name) {
    throw new WindrowError('CONTRACT_INVALID', `streams/${name}/contract.ts calls itself ${definition.name}`);
  }
  const { raw, enriched } = definition.topics;
  return {
    ...definition,
    schema,
    directory,
    topics: {
      raw: { name: `${name}.raw`, ...raw },
      ...(enriched && { enriched: { name: `${name}.enriched`, ...enriched } }),
    },
  };
}

function contractFaults(contract: StreamContract, all: StreamContract[]): string[] {
  const faults: string[] = [];
  const say = (fault: string) => faults.push(`${contract.name}: ${fault}`);
  const fields = new Set(contract.schema.fields.map((field) => field.name));
  for (const field of [...contract.id, contract.eventTime]) {
    if (!fields.has(field)) say(`its schema has no field ${field}`);
  }
  const { message } = contract;
  for (const field of [
    ...(contract.jsonFields ?? []),
    ...Object.keys(message?.fields ?? {}),
    ...(message?.made ?? []),
  ]) {
    if (!fields.has(field)) say(`its messages have a field ${field}, which its schema has not`);
  }
  const { join: asOf, curated, topics } = contract;
  if (asOf) {
    const table = all.find((other) => other.name === asOf.table);
    if (!table) say(`it is joined with ${asOf.table}, which is no stream`);
    const theirs = new Set(table?.schema.fields.map((field) => field.name));
    for (const field of [asOf.series, ...asOf.fields]) {
      if (table && !theirs.has(field)) say(`it joins ${asOf.table}.${field}, which does not exist`);
    }
  }
  if ((asOf || contract.dedupe || contract.lake.curated) && !topics.enriched) {
    say('join, dedupe and lake.curated need topics.enriched');
  }
  if (curated && faults.length === 0) {
    const mapped = new Set(landedSchema(contract, all).fields.map((field) => field.name));
    for (const { name, field } of curated.columns) {
      if (!mapped.has(field)) say(`curated column ${name} takes the field ${field}, which does not exist`);
    }
    if (curated.aggregates?.length && curated.onConflict !== 'ignore')
      say("aggregates need onConflict 'ignore'");
  }
  return faults;
}

/** The contract by that name, or an error that lists the names there are. */
export function streamNamed(contracts: StreamContract[], name: string): StreamContract {
  const found = contracts.find((contract) => contract.name === name);
  if (found) return found;
  const names = contracts.map((contract) => contract.name).join(', ');
  throw new WindrowError('STREAM_UNKNOWN', `there is no stream ${name}; there are: ${names}`);
}

/** The topic from which a stream's curated tables are made. */
export function landedTopic(contract: StreamContract): string {
  return (contract.topics.enriched ?? contract.topics.raw).name;
}

/** The schema of {@link landedTopic}. */
export function landedSchema(contract: StreamContract, all: StreamContract[]): AvroRecordSchema {
  return contract.topics.enriched ? enrichedSchema(contract, all) : contract.schema;
}
