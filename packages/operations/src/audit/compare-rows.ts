import { hash } from 'node:crypto';
import { avroType, landedSchema, type StreamContract } from '@windrow/contracts';
import type { Add } from '@windrow/lake';
import { type CuratedColumn, curatedRowsByDate, type RowSelection, readCuratedRows } from '@windrow/postgres';
import type { types } from 'avsc';
import type { Installation } from '../installation.ts';
import { type ParquetColumn, readStoredRows } from '../parquet.ts';
import { type CanonicalForm, canonicalFormOf, microsOf, uncompared } from './canonical-values.ts';
import type { IdFacts, LakeTableFacts } from './facts.ts';
import { byDate, fileKey } from './lake-content.ts';
import { nestedForm } from './nested-form.ts';
import { fieldsOfRules, nullsByRules } from './nulled-values.ts';
import { deadLetterPosition } from './read-topics.ts';
import { exampleCount, note } from './repeats.ts';

/** Rows that are compared at once, as far as dates can be divided. A row takes about 200 bytes of memory. */
const rowsAtOnce = 200_000;
const microsPerDay = 86_400_000_000n;
/** Characters of a value in a finding. */
const shownCharacters = 60;

interface Comparing {
  installation: Installation;
  contract: StreamContract;
  table: LakeTableFacts;
  deadLetters: ReadonlySet<string>;
}

/** A column of the Postgres table, and the field of the lake's rows that it holds. */
interface Column extends CuratedColumn {
  field: string;
  form: CanonicalForm;
  /** Of a field that is a list, a map or a record in the lake. */
  nestedForm: CanonicalForm;
}

/** The rows of a date, or of a part of it. */
interface Slice {
  files: readonly Add[];
  selection: RowSelection;
}

/** Values in their canonical form. */
type Values = (string | null)[];

/** What is remembered of the lake's row of an id. */
interface LakeRow {
  hash: string;
  /** Of further rows with the id, of which Postgres may have any. */
  others?: string[];
  partition: number;
  offset: bigint;
  /** The event is a dead letter of the rules or of Postgres, so it need not have a row in Postgres. */
  isDead: boolean;
  isInPostgres: boolean;
  nested: ReadonlySet<string>;
}

/**
 * Compares the rows of a lake table with those of Postgres: the ids, and the values of all columns that both have. Goes date by
 * date, and divides dates with many rows, so that memory stays bounded.
 */
export async function compareRows(
  comparing: Comparing,
  adds: readonly Add[],
): Promise<{ facts: IdFacts; postgresRows: number }> {
  const { installation, contract, table } = comparing;
  const none = () => ({ count: 0, examples: [] });
  const facts: IdFacts = {
    ...{ lakeTable: table.path, postgresTable: contract.curated?.table ?? '', lake: 0, postgres: 0 },
    ...{ onlyInLake: none(), onlyInPostgres: none(), repeatedInPostgres: none(), differing: none() },
  };
  const files = new Map(byDate([...adds]).map((group) => [group.date, group.files]));
  const counts = await installation.postgres.use('count its rows', (db) => curatedRowsByDate(db, contract));
  const columns = columnsOf(comparing);
  for (const date of [...new Set([...files.keys(), ...counts.keys()])].sort())
    for (const slice of slicesOf(date, files.get(date) ?? [], counts.get(date) ?? 0))
      await compareSlice(comparing, columns, slice, facts);
  return { facts, postgresRows: [...counts.values()].reduce((total, rows) => total + rows, 0) };
}

function columnsOf({ contract, installation: { contracts } }: Comparing): Column[] {
  const { fields } = avroType(landedSchema(contract, contracts)) as types.RecordType;
  return (contract.curated?.columns ?? []).map(({ name, field, type }) => {
    const avro = fields.find((each) => each.name === field)?.type;
    const nested = type === 'jsonb' && avro !== undefined ? nestedForm(avro) : uncompared;
    return { name, field, type, form: canonicalFormOf(type), nestedForm: nested };
  });
}

/** A date beyond the years 1 to 9999 is one slice, because only Postgres can say what belongs to it. */
function slicesOf(date: string, files: readonly Add[], postgresRows: number): Slice[] {
  const startMs = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(startMs)) return [{ files, selection: { date } }];
  const lakeRows = files.reduce((sum, { stats }) => sum + rowsIn(stats), 0);
  const parts = BigInt(Math.min(144, Math.max(1, Math.ceil(Math.max(lakeRows, postgresRows) / rowsAtOnce))));
  const start = BigInt(startMs) * 1000n;
  return Array.from({ length: Number(parts) }, (_, part) => ({
    files,
    selection: {
      fromMicros: start + (microsPerDay * BigInt(part)) / parts,
      toMicros: start + (microsPerDay * BigInt(part + 1)) / parts,
    },
  }));
}

function rowsIn(stats: string | undefined): number {
  return stats ? ((JSON.parse(stats) as { numRecords?: number }).numRecords ?? 0) : 0;
}

async function compareSlice(
  comparing: Comparing,
  columns: readonly Column[],
  slice: Slice,
  facts: IdFacts,
): Promise<void> {
  const { installation, contract } = comparing;
  const idPlaces = contract.id.map((field) => columns.findIndex((column) => column.field === field));
  const idOf = (values: Values) => idPlaces.map((place) => values[place]).join(' ');
  const lake = new Map<string, LakeRow>();
  for await (const { values, partition, offset, isDead, nested } of lakeRows(comparing, columns, slice)) {
    const id = idOf(values);
    const row: LakeRow = { hash: hashOf(values), partition, offset, isDead, isInPostgres: false, nested };
    const known = lake.get(id);
    if (!known || isInstead(contract, row, known)) lake.set(id, row);
    else if (!isInstead(contract, known, row)) known.others = [...(known.others ?? []), row.hash];
  }
  /** Id → values, of the first rows that differ. */
  const differing = new Map<string, Values>();
  const onlyInPostgres = new Map<string, number>();
  const onRow = (texts: (string | null)[]) => {
    const flat = valuesOf(columns, texts, noFields);
    const id = idOf(flat);
    const row = lake.get(id);
    if (!row) onlyInPostgres.set(id, (onlyInPostgres.get(id) ?? 0) + 1);
    else if (row.isInPostgres) note(facts.repeatedInPostgres, id);
    else {
      row.isInPostgres = true;
      const values = row.nested.size === 0 ? flat : valuesOf(columns, texts, row.nested);
      const hash = hashOf(values);
      if (row.hash === hash || row.others?.includes(hash)) return;
      facts.differing.count += 1;
      if (facts.differing.examples.length + differing.size < exampleCount) differing.set(id, values);
    }
  };
  await installation.postgres.use('give the rows of a day', (db) =>
    readCuratedRows(db, contract, columns, slice.selection, onRow),
  );
  facts.postgres += onlyInPostgres.size;
  for (const [id, { isInPostgres, isDead }] of lake) {
    if (isInPostgres) facts.postgres += 1;
    if (isInPostgres || !isDead) facts.lake += 1;
    if (!isInPostgres && !isDead) note(facts.onlyInLake, id);
  }
  for (const [id, rows] of onlyInPostgres) {
    note(facts.onlyInPostgres, id);
    if (rows > 1) note(facts.repeatedInPostgres, id);
  }
  if (differing.size === 0) return;
  for await (const { values, partition, offset } of lakeRows(comparing, columns, slice)) {
    const id = idOf(values);
    const inPostgres = differing.get(id);
    const row = lake.get(id);
    if (!inPostgres || row?.offset !== offset || row.partition !== partition) continue;
    facts.differing.examples.push(`${id}: ${differences(columns, values, inPostgres)}`);
  }
}

const noFields: ReadonlySet<string> = new Set();

/** @param nested the fields that are nested in the lake's row */
function valuesOf(
  columns: readonly Column[],
  texts: readonly (string | null)[],
  nested: ReadonlySet<string>,
): Values {
  return columns.map((column, place) => {
    const text = texts[place];
    return text === null || text === undefined ? null : formOf(column, nested).ofPostgres(text);
  });
}

function formOf({ field, form, nestedForm }: Column, nested: ReadonlySet<string>): CanonicalForm {
  return nested.has(field) ? nestedForm : form;
}

/**
 * Whether a row is the one that Postgres has instead of the other one with the same id. A row that Postgres rejected doesn't
 * count. Where later rows replace earlier ones, the last one of the partition counts; else it depends on which event came first.
 */
function isInstead({ curated }: StreamContract, row: LakeRow, other: LakeRow): boolean {
  if (row.isDead !== other.isDead) return other.isDead;
  return curated?.onConflict === 'replace' && row.partition === other.partition && row.offset > other.offset;
}

interface AuditedRow {
  values: Values;
  partition: number;
  offset: bigint;
  isDead: boolean;
  /** Fields that are lists, maps or records in the file. */
  nested: ReadonlySet<string>;
}

async function* lakeRows(
  { installation, contract, table, deadLetters }: Comparing,
  columns: readonly Column[],
  { files, selection }: Slice,
): AsyncGenerator<AuditedRow> {
  const names = [
    ...new Set([
      ...['_partition', '_offset', contract.eventTime],
      ...columns.map(({ field }) => field),
      ...fieldsOfRules(contract),
    ]),
  ];
  const applyRules = nullsByRules(contract);
  for (const { path } of files) {
    for await (const { columns: types, nested, rows } of readStoredRows(
      installation.lake,
      fileKey(table, path),
      names,
    )) {
      for (const row of rows) {
        if (!isIn(selection, row[contract.eventTime], types.get(contract.eventTime))) continue;
        applyRules(row, types);
        const [partition, offset] = [Number(row._partition), BigInt(row._offset as bigint)];
        const isDead = ['rules', 'postgres'].some((stage) =>
          deadLetters.has(deadLetterPosition(stage, table.topic, partition, Number(offset))),
        );
        const values = columns.map((column) => {
          const value = row[column.field];
          if (value === null || value === undefined) return null;
          // A file of a former version lacks the column of a note.
          return formOf(column, nested).ofLake(value, types.get(column.field) ?? {});
        });
        yield { values, partition, offset, isDead, nested };
      }
    }
  }
}

/** A slice of a whole date has all rows of its files. */
function isIn(selection: RowSelection, time: unknown, column: ParquetColumn | undefined): boolean {
  if ('date' in selection || typeof time !== 'bigint') return true;
  const micros = microsOf(time, column);
  const { fromMicros, toMicros } = selection;
  return micros >= fromMicros && micros < toMicros;
}

const hashOf = (values: Values): string => hash('sha1', JSON.stringify(values), 'base64');

function differences(columns: readonly Column[], lake: Values, postgres: Values): string {
  const different = columns.flatMap(({ name }, place) => {
    const [inLake, inPostgres] = [lake[place] ?? null, postgres[place] ?? null];
    return inLake === inPostgres
      ? []
      : [`${name} is ${shown(inLake)} in the lake, ${shown(inPostgres)} in Postgres`];
  });
  return different.join('; ');
}

function shown(value: string | null): string {
  if (value === null) return 'null';
  return JSON.stringify(value.length > shownCharacters ? `${value.slice(0, shownCharacters)}…` : value);
}
