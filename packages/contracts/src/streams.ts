import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WindrowError } from '@windrow/runtime';
import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { StreamContract, StreamDefinition } from './contract.ts';
import { contractFaults } from './contract-faults.ts';
import { lengthRules } from './index-limits.ts';
import { rawNumber } from './json/json-text.ts';
import { namesOfEveryStream, withFieldsOfEveryStream } from './quality.ts';
import { withSeverity } from './rules.ts';
import { timeRules } from './time-rules.ts';
import { severityOf } from './value-severity.ts';
import { withAvroTypes } from './values/column-types.ts';

const streamsDirectory = fileURLToPath(new URL('../streams/', import.meta.url));

/**
 * Loads the contract of every folder below `streams/` and checks their names against each other.
 * @throws WindrowError CONTRACT_INVALID, with all faults
 */
export async function loadStreams(directory = streamsDirectory): Promise<StreamContract[]> {
  const names = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const contracts: StreamContract[] = [];
  for (const name of names) contracts.push(await loadStream(join(directory, name), name));
  const faults = contracts.flatMap((contract) => contractFaults(contract, contracts));
  if (faults.length > 0)
    throw new WindrowError(
      'CONTRACT_INVALID',
      `the contracts have ${faults.length} faults:\n  ${faults.join('\n  ')}`,
    );
  for (const contract of contracts) {
    const curated = withAvroTypes(contract, contracts);
    if (curated) contract.curated = curated;
  }
  return contracts;
}

async function loadStream(directory: string, name: string): Promise<StreamContract> {
  const schema = parsedSchema(readFileSync(join(directory, 'schema.avsc'), 'utf8'));
  const module = (await import(pathToFileURL(join(directory, 'contract.ts')).href)) as {
    default: StreamDefinition;
  };
  const definition = module.default;
  if (definition.name !== name) {
    throw new WindrowError(
      'CONTRACT_INVALID',
      `streams/${name}/contract.ts has the name ${definition.name}; expected the folder's name, ${name}`,
    );
  }
  for (const field of schema.fields)
    if (namesOfEveryStream.has(field.name))
      throw new WindrowError(
        'CONTRACT_INVALID',
        `streams/${name}/schema.avsc has the field ${field.name}, which Windrow adds to every stream; rename it`,
      );
  const { raw, enriched } = definition.topics;
  const contract: StreamContract = {
    ...definition,
    schema: withFieldsOfEveryStream(schema),
    directory,
    topics: {
      raw: { name: `${name}.raw`, ...raw },
      ...(enriched && { enriched: { name: `${name}.enriched`, ...enriched } }),
    },
  };
  // A bound that follows from the type or from an index costs what a value of the wrong type costs.
  const bounds = [...timeRules(schema), ...lengthRules(contract)].flatMap((rule) =>
    withSeverity(severityOf(contract, rule.reads?.[0] ?? ''), rule),
  );
  return { ...contract, rules: [...definition.rules, ...bounds] };
}

/** A default beyond 2^53 keeps its digits, also when the schema is registered. */
function parsedSchema(text: string): AvroRecordSchema {
  const exactly = (_key: string, value: unknown, { source }: { source?: string } = {}) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? rawNumber(source ?? '')
      : value;
  return JSON.parse(text, exactly) as AvroRecordSchema;
}

/**
 * The contract of that name.
 * @throws WindrowError STREAM_UNKNOWN, with the names that exist
 */
export function streamNamed(contracts: StreamContract[], name: string): StreamContract {
  const found = contracts.find((contract) => contract.name === name);
  if (found) return found;
  const names = contracts.map((contract) => contract.name).join(', ');
  throw new WindrowError('STREAM_UNKNOWN', `there is no stream ${name}; there are: ${names}`);
}
