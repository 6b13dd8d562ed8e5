import type { types } from 'avsc';
import type { AsOfJoin } from './as-of-join.ts';
import { fieldsOfLocator, joinFieldNames } from './as-of-join.ts';
import { avroType } from './avro/avro-type.ts';
import { typeFaults } from './avro/type-faults.ts';
import type { CuratedMapping, StreamContract } from './contract.ts';
import { rawOffsetField } from './enriched-schema.ts';
import { foldedName } from './folded-name.ts';
import { lengthFaults } from './index-limits.ts';
import { nearestName } from './nearest-name.ts';
import { columnWords } from './sql-words.ts';
import { nameOfStep, type Step } from './step.ts';
import { isTimeZone } from './time/local-time.ts';
import { formatFault } from './time/time-formats.ts';
import { severityFaults } from './value-severity.ts';
import { inputFields } from './values/value-types.ts';

/**
 * What is wrong with a contract, one text for each fault. A wrong name is reported with the stream, the entry of the
 * contract, and the most similar name that exists.
 */
export function contractFaults(contract: StreamContract, all: readonly StreamContract[]): string[] {
  const faults = new Faults(contract.name);
  const { topics, curated } = contract;
  checkRawFields(contract, faults);
  checkTypes(contract, faults);
  for (const [entry, fault] of severityFaults(contract)) faults.add(entry, fault);
  const before = faults.all.length;
  const fields = checkSteps(contract, all, faults);
  // A misspelt step would make the columns that take its fields look wrong too.
  const areFieldsKnown = faults.all.length === before;
  if ((contract.steps?.length || contract.dedupe || contract.lake.curated) && !topics.enriched)
    faults.add('topics', 'steps, dedupe and lake.curated need topics.enriched');
  if (curated) {
    checkCurated(curated, faults);
    for (const fault of lengthFaults(contract)) faults.add('curated', fault);
    if (areFieldsKnown) checkColumns(curated, topics.enriched ? fields : fieldsOf(contract), faults);
  }
  return faults.all;
}

class Faults {
  readonly all: string[] = [];
  readonly #stream: string;

  constructor(stream: string) {
    this.#stream = stream;
  }

  add(entry: string, fault: string): void {
    this.all.push(`${this.#stream}: ${entry}: ${fault}`);
  }

  /** Reports a name that is not among those that exist. */
  name(entry: string, name: string, existing: ReadonlySet<string>, what: string): void {
    if (existing.has(name)) return;
    const nearest = nearestName(name, existing);
    this.add(entry, `${what} ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
  }
}

const fieldsOf = ({ schema }: Pick<StreamContract, 'schema'>): Set<string> =>
  new Set(schema.fields.map(({ name }) => name));

/** Refuses what no column of the lake can hold. The steps of a stream add only types that columns hold. */
function checkTypes({ schema }: StreamContract, faults: Faults): void {
  for (const { name, type } of (avroType(schema) as types.RecordType).fields)
    for (const fault of typeFaults(type, name)) faults.add('schema.avsc', fault);
}

function checkRawFields(contract: StreamContract, faults: Faults): void {
  const fields = fieldsOf(contract);
  const check = (entry: string, name: string | undefined) => {
    if (name !== undefined) faults.name(entry, name, fields, 'its schema has no field');
  };
  const checkAll = (entry: string, names: readonly string[] = []) => {
    for (const [index, name] of names.entries()) check(`${entry}[${index}]`, name);
  };
  const { message } = contract;
  checkAll('id', contract.id);
  check('eventTime', contract.eventTime);
  check('receivedTime', contract.receivedTime);
  check('sentTime', contract.sentTime);
  checkAll('jsonFields', contract.jsonFields);
  checkAll('nfcFields', contract.nfcFields);
  for (const name of Object.keys(message?.fields ?? {})) check('message.fields', name);
  for (const name of Object.keys(contract.maxBytes ?? {})) check('maxBytes', name);
  for (const name of Object.keys(contract.severities ?? {})) check('severities', name);
  checkAll('message.made', message?.made);
  checkTimes(contract, fields, faults);
  for (const [index, { reason, reads }] of contract.rules.entries())
    for (const name of reads ?? []) check(`rules[${index}] (${reason})`, name);
}

function checkTimes(contract: StreamContract, fields: ReadonlySet<string>, faults: Faults): void {
  const { times = {}, clock, sentTime } = contract;
  if (clock && sentTime === undefined) faults.add('clock', 'it needs sentTime');
  for (const [name, { timezone, formats = [] }] of Object.entries(times)) {
    const typeName = inputFields(contract).find((field) => field.name === name)?.typeName;
    faults.name('times', name, fields, 'its schema has no field');
    if (fields.has(name) && typeName !== 'time')
      faults.add(`times.${name}`, `the field has the type ${typeName}; expected a timestamp`);
    if (timezone !== undefined && !isTimeZone(timezone))
      faults.add(`times.${name}.timezone`, `there is no time zone ${timezone}`);
    for (const [index, format] of formats.entries()) {
      const fault = formatFault(format);
      if (fault) faults.add(`times.${name}.formats[${index}]`, `${format}: ${fault}`);
    }
  }
}

/** Gives the fields of the enriched record. */
function checkSteps(contract: StreamContract, all: readonly StreamContract[], faults: Faults): Set<string> {
  const fields = fieldsOf(contract);
  const names = new Set<string>();
  for (const [index, step] of (contract.steps ?? []).entries()) {
    const entry = `steps[${index}]`;
    const name = nameOfStep(step);
    if (names.has(name)) faults.add(entry, `an earlier step has the name ${name} too`);
    names.add(name);
    for (const [place, field] of placesRead(step))
      faults.name(`${entry}.${place}`, field, fields, 'neither its schema nor an earlier step has a field');
    const table = step.kind === 'asOfJoin' ? checkTable(step, entry, all, faults) : undefined;
    if (step.kind === 'asOfJoin') checkAliases(step, entry, faults);
    for (const added of namesAdded(step, table)) {
      if (fields.has(added) || added === rawOffsetField)
        faults.add(entry, `${name} adds the field ${added}, which the event has already`);
      fields.add(added);
    }
  }
  return fields.add(rawOffsetField);
}

/** The fields of the event that a step reads, by their place in the step. */
function placesRead(step: Step): [place: string, field: string][] {
  if (step.kind === 'record') return step.reads.map((field, index) => [`reads[${index}]`, field]);
  return step.locate.flatMap((locator, index) =>
    fieldsOfLocator(locator).map((field): [string, string] => [`locate[${index}]`, field]),
  );
}

function checkTable(
  { table: name, series, coordinates, fields }: AsOfJoin,
  entry: string,
  all: readonly StreamContract[],
  faults: Faults,
): StreamContract | undefined {
  faults.name(`${entry}.table`, name, new Set(all.map((stream) => stream.name)), 'there is no stream');
  const table = all.find((stream) => stream.name === name);
  if (!table) return undefined;
  const theirs = fieldsOf(table);
  const check = (place: string, field: string) =>
    faults.name(`${entry}.${place}`, field, theirs, `the schema of ${name} has no field`);
  check('series', series);
  check('coordinates.latitude', coordinates.latitude);
  check('coordinates.longitude', coordinates.longitude);
  for (const [index, field] of fields.entries()) check(`fields[${index}]`, field);
  return table;
}

function checkAliases({ aliases = {} }: AsOfJoin, entry: string, faults: Faults): void {
  const series = new Map<string, string>();
  for (const [name, others] of Object.entries(aliases)) {
    for (const other of others) {
      const key = foldedName(other);
      const earlier = series.get(key);
      if (earlier !== undefined && earlier !== name)
        faults.add(`${entry}.aliases`, `${other} is a name of ${earlier} and of ${name}`);
      series.set(key, name);
    }
  }
}

function namesAdded(step: Step, table: StreamContract | undefined): string[] {
  if (step.kind === 'record') return step.adds.map(({ name }) => name);
  return [...Object.values(joinFieldNames(step, { eventTime: table?.eventTime ?? 'time' })), ...step.fields];
}

function checkColumns({ columns }: CuratedMapping, fields: ReadonlySet<string>, faults: Faults): void {
  for (const { name, field } of columns)
    faults.name(`curated.columns (${name})`, field, fields, 'the event has no field');
}

function checkCurated(curated: CuratedMapping, faults: Faults): void {
  const { columns, key, partitionByDay, aggregates = [] } = curated;
  const names = new Set(columns.map(({ name }) => name));
  for (const [index, column] of key.entries())
    faults.name(`curated.key[${index}]`, column, names, 'curated.columns has no column');
  if (partitionByDay !== undefined) {
    faults.name('curated.partitionByDay', partitionByDay, names, 'curated.columns has no column');
    const type = columns.find(({ name }) => name === partitionByDay)?.type;
    if (type !== undefined && type !== 'timestamptz')
      faults.add('curated.partitionByDay', `${partitionByDay} has the type ${type}; expected timestamptz`);
  }
  if (aggregates.length > 0 && curated.onConflict !== 'ignore')
    faults.add('curated.aggregates', "aggregates need onConflict 'ignore'");
  for (const [index, { groupBy, sums }] of aggregates.entries()) {
    const expressions = [...entries('groupBy', groupBy), ...entries('sums', sums)];
    for (const [place, expression] of expressions)
      checkExpression(`curated.aggregates[${index}].${place}`, expression, names, faults);
  }
}

const entries = (of: string, expressions: Record<string, string>): [place: string, expression: string][] =>
  Object.entries(expressions).map(([name, expression]) => [`${of}.${name}`, expression]);

/** SQL isn't parsed: a word is taken for a misspelt column only if it is similar to one. Postgres finds other faults. */
function checkExpression(
  entry: string,
  expression: string,
  columns: ReadonlySet<string>,
  faults: Faults,
): void {
  for (const word of new Set(columnWords(expression))) {
    const known = columns.has(word) || columns.has(word.toLowerCase());
    if (!known && nearestName(word, columns) !== undefined)
      faults.name(entry, word, columns, 'curated.columns has no column');
  }
}
