import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WindrowError } from '@windrow/runtime';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReader } from '../../../../tests/readers/python.ts';
import { columnBuffersFrom } from '../columns/from-batch.ts';
import type {
  ColumnBatch,
  ColumnType,
  EncodedFile,
  FileRows,
  FileStats,
  ParquetEncoder,
  TableColumn,
} from '../table-schema.ts';
import { arbitraryBatch } from './arbitrary-batch.ts';
import { type ContractCase, contractCases, nanCase, oneColumn, wideLongCase } from './contract-cases.ts';
import { readBack, type ToldValue, toldColumns } from './told-values.ts';

/** What an encoder declares that it can't do. All else it must do. */
export interface EncoderLimits {
  /** `safe`: longs beyond 2^53 are refused. */
  readonly longs: 'exact' | 'safe';
  readonly nan: 'kept' | 'refused';
  /** `unsigned`: -0 is stored as 0. */
  readonly zero: 'signed' | 'unsigned';
  /** Types whose footer statistics have no bounds that a reader would use. */
  readonly withoutFooterBounds: readonly ColumnType[];
}

interface RowGroupSeen {
  readonly rows: number;
  readonly columns: Readonly<Record<string, { nulls?: number; min?: ToldValue; max?: ToldValue }>>;
}
interface TableSeen {
  readonly types: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, ToldValue[]>>;
}
interface FileSeen {
  readonly pyarrow: TableSeen;
  readonly duckdb: TableSeen;
  readonly rowGroups: readonly RowGroupSeen[];
}

const arrowTypes: Readonly<Record<ColumnType, string>> = {
  binary: 'binary',
  boolean: 'bool',
  date: 'date32[day]',
  double: 'double',
  float: 'float',
  integer: 'int32',
  long: 'int64',
  string: 'string',
  timestamp: 'timestamp[ms, tz=UTC]',
};

/** Registers the tests that every encoder has to pass; its files are read by hyparquet, pyarrow and DuckDB. */
export function encoderContract(encoder: ParquetEncoder, limits: EncoderLimits): void {
  const cases: ContractCase[] = [
    ...contractCases,
    ...(limits.nan === 'kept' ? [nanCase] : []),
    ...(limits.longs === 'exact' ? [wideLongCase] : []),
  ];
  const encoded = async (batch: ColumnBatch) => encoder.encode(rowsOf(batch));
  const expected = ({ batch }: ContractCase) => toldColumns(batch, limits.zero === 'unsigned');

  describe(`${encoder.name} encoder`, () => {
    const files = new Map<string, EncodedFile>();
    const seen = new Map<string, FileSeen>();
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'windrow-encoder-'));
      const paths: string[] = [];
      for (const [index, { name, batch }] of cases.entries()) {
        const file = await encoder.encode(rowsOf(batch));
        files.set(name, file);
        paths.push(join(folder, `${index}.parquet`));
        await writeFile(paths[index]!, file.bytes);
      }
      const read = (await runReader('read-parquet.py', paths)) as Record<string, FileSeen>;
      cases.forEach(({ name }, index) => {
        seen.set(name, read[paths[index]!]!);
      });
    }, 120_000);
    afterAll(() => rm(folder, { recursive: true }));

    describe.each(cases)('$name', (contractCase) => {
      const { name, batch } = contractCase;

      it('is read back by hyparquet', async () => {
        expect(await readBack(files.get(name)!.bytes, batch.schema)).toEqual(expected(contractCase));
      });

      it.each(['pyarrow', 'duckdb'] as const)('is read back by %s', (reader) => {
        expect(seen.get(name)![reader].values).toEqual(expected(contractCase));
      });

      it('has the types of its schema', () => {
        expect(seen.get(name)!.pyarrow.types).toEqual(
          Object.fromEntries(
            batch.schema.columns.map((column) => [
              column.name,
              arrowTypes[column.type] + (column.nullable ? '' : ' not null'),
            ]),
          ),
        );
      });

      it('counts rows and nulls in its statistics and in its footer', () => {
        const { stats } = files.get(name)!;
        const columns = expected(contractCase);
        const nulls = Object.fromEntries(
          Object.entries(columns).map(([column, values]) => [
            column,
            values.filter((v) => v === null).length,
          ]),
        );
        expect(stats.numRecords).toBe(batch.rowCount);
        expect(stats.nullCount).toEqual(nulls);
        const { rowGroups } = seen.get(name)!;
        expect(rowGroups.reduce((rows, group) => rows + group.rows, 0)).toBe(batch.rowCount);
        for (const column of batch.schema.columns) {
          if (limits.withoutFooterBounds.includes(column.type)) continue;
          const counted = rowGroups.reduce(
            (sum, group) => sum + (group.columns[column.name]!.nulls ?? Number.NaN),
            0,
          );
          expect(counted, column.name).toBe(nulls[column.name]);
        }
      });

      it('bounds each column in its statistics', () => {
        const { stats } = files.get(name)!;
        expect(toldBounds(stats.minValues)).toEqual(contractCase.minValues);
        expect(toldBounds(stats.maxValues)).toEqual(contractCase.maxValues);
      });

      it('bounds each column in its footer, where a reader uses it', () => {
        expectFooterBounds(seen.get(name)!, contractCase, limits);
      });
    });

    it('cuts many rows into bounded row groups', () => {
      const groups = seen.get('many rows')!.rowGroups;
      expect(groups.length).toBeGreaterThan(1);
      for (const { rows } of groups) expect(rows).toBeLessThanOrEqual(131_072);
    });

    it('keeps any batch', async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryBatch(limits), async (batch) => {
          const { bytes, stats } = await encoder.encode(rowsOf(batch));
          expect(await readBack(bytes, batch.schema)).toEqual(toldColumns(batch, limits.zero === 'unsigned'));
          expect(stats.numRecords).toBe(batch.rowCount);
        }),
        { numRuns: 60 },
      );
    });

    describe('refuses, and names the column', () => {
      const refused: ReadonlyArray<[string, ColumnBatch]> = [
        ['a null in a required column', oneColumn('integer', [1, null], false)],
        ['text in a number column', oneColumn('double', ['1'])],
        ['a number in a text column', oneColumn('string', [4711])],
        ['a fraction in an integer column', oneColumn('integer', [1.5])],
        ['an integer beyond 32 bits', oneColumn('integer', [2 ** 31])],
        ['a long beyond 64 bits', oneColumn('long', [2n ** 63n])],
        ['an unsafe number in a long column', oneColumn('long', [2 ** 53])],
        ['a time that is no number', oneColumn('timestamp', [Number.NaN])],
        ['a bigint as a time', oneColumn('timestamp', [1n])],
        ['text in a binary column', oneColumn('binary', ['x'])],
        ['a number as a truth value', oneColumn('boolean', [1])],
        ['a date beyond 32 bits', oneColumn('date', [2 ** 31])],
        ['fewer values than rows', { ...oneColumn('string', ['secret-value']), rowCount: 2 }],
        ['more values than rows', { ...oneColumn('string', ['secret-value', 'secret-value']), rowCount: 1 }],
        ...(limits.nan === 'refused' ? [['NaN', nanCase.batch] as [string, ColumnBatch]] : []),
        ...(limits.longs === 'safe'
          ? [['longs beyond 2^53', wideLongCase.batch] as [string, ColumnBatch]]
          : []),
      ];

      it.each(refused)('%s', async (_, batch) => {
        const error = await encoded(batch).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(WindrowError);
        expect(error).toMatchObject({ code: 'ENCODE_FAILED', retriable: false });
        expect((error as Error).message).toMatch(/^column subject /);
        expect((error as Error).message).not.toMatch(/4711|secret-value/);
      });
    });
  });
}

const rowsOf = (batch: ColumnBatch): FileRows => ({ buffers: columnBuffersFrom(batch) });

/** Bounds with those that JSON has to be given digit by digit as bigints. */
function toldBounds(bounds: FileStats['minValues']): Record<string, unknown> | undefined {
  if (bounds === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(bounds).map(([name, value]) => [
      name,
      typeof value === 'object' ? BigInt(JSON.stringify(value)) : value,
    ]),
  );
}

/** Every value lies within the bounds of its row group; what the statistics of the file tell exactly is told there too. */
function expectFooterBounds(file: FileSeen, { batch, unbounded }: ContractCase, limits: EncoderLimits): void {
  for (const column of batch.schema.columns) {
    let first = 0;
    for (const { columns, rows } of file.rowGroups) {
      const values = file.pyarrow.values[column.name]!.slice(first, first + rows).filter((v) => v !== null);
      first += rows;
      const { max, min } = columns[column.name]!;
      const without = limits.withoutFooterBounds.includes(column.type) || column.type === 'binary';
      if (without || values.length === 0 || unbounded?.includes(column.name)) {
        expect([min, max], column.name).toEqual([undefined, undefined]);
        continue;
      }
      expect(min, column.name).toBeDefined();
      expect(max, column.name).toBeDefined();
      for (const value of values) {
        if (compare(column, value, min!) < 0 || compare(column, value, max!) > 0) {
          expect.fail(`${column.name}: ${value} is not within ${min} and ${max}`);
        }
      }
    }
  }
}

function compare({ type }: TableColumn, left: ToldValue, right: ToldValue): number {
  if (type === 'string') return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
  if (type === 'double' || type === 'float' || type === 'boolean') return Number(left) - Number(right);
  return Number(BigInt(String(left)) - BigInt(String(right)));
}
