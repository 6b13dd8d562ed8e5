import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WindrowError } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReader } from '../../../../../tests/readers/python.ts';
import type { ColumnBatch } from '../../columns/testing/buffers-from-batch.ts';
import { columnBuffersFrom, flatType } from '../../columns/testing/buffers-from-batch.ts';
import { decimalOf, isDecimal } from '../../decimal.ts';
import type { PrimitiveType, ScalarType } from '../../table-schema.ts';
import type { EncodedFile, FileRows, FileStats, ParquetEncoder } from '../parquet-encoder.ts';
import { arbitraryBatch } from './arbitrary-batch.ts';
import {
  decimalsCase,
  type EncoderCase,
  earlyMicrosecondsCase,
  nanCase,
  oneColumn,
  wideLongCase,
} from './encoder-cases.ts';
import { casesWithin, type EncoderLimits } from './encoder-limits.ts';
import { expectFooterBounds, expectFooterCounts, type RowGroupAsRead } from './footer-assertions.ts';
import { columnsAsJson, readBack, type TableAsRead } from './values-as-json.ts';

interface FileAsRead {
  readonly pyarrow: TableAsRead;
  readonly duckdb: TableAsRead;
  readonly deltaRs: TableAsRead;
  readonly rowGroups: readonly RowGroupAsRead[];
}

const arrowTypes: Readonly<Record<PrimitiveType, string>> = {
  binary: 'binary',
  boolean: 'bool',
  date: 'date32[day]',
  double: 'double',
  float: 'float',
  integer: 'int32',
  long: 'int64',
  string: 'string',
  timestamp: 'timestamp[us, tz=UTC]',
};

function arrowType(type: ScalarType): string {
  if (!isDecimal(type)) return arrowTypes[type];
  const { precision, scale } = decimalOf(type);
  return `decimal128(${precision}, ${scale})`;
}

/** Registers the tests that every encoder has to pass; its files are read by hyparquet, pyarrow, DuckDB and delta-rs. */
export function encoderContract(encoder: ParquetEncoder, limits: EncoderLimits): void {
  const cases = casesWithin(limits);
  const encoded = async (batch: ColumnBatch) => encoder.encode(rowsOf(batch));
  const expected = ({ batch }: EncoderCase) => columnsAsJson(batch, limits.zero === 'unsigned');

  describe(`${encoder.name} encoder`, () => {
    const files = new Map<string, EncodedFile>();
    const seen = new Map<string, FileAsRead>();
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'windrow-encoder-'));
      const paths: string[] = [];
      for (const [index, { name, batch }] of cases.entries()) {
        const file = await encoder.encode(rowsOf(batch));
        files.set(name, file);
        paths.push(join(folder, `${index}.parquet`));
        await writeFile(must(paths[index]), file.bytes);
      }
      const read = (await runReader('read-parquet.py', paths)) as Record<string, FileAsRead>;
      cases.forEach(({ name }, index) => {
        seen.set(name, must(read[must(paths[index])]));
      });
    }, 120_000);
    afterAll(() => rm(folder, { recursive: true }));

    describe.each(cases)('$name', (contractCase) => {
      const { name, batch } = contractCase;

      it('is read back by hyparquet', async () => {
        expect(await readBack(must(files.get(name)).bytes, batch.schema)).toEqual(expected(contractCase));
      });

      it.each(['pyarrow', 'duckdb', 'deltaRs'] as const)('is read back by %s', (reader) => {
        expect(must(seen.get(name))[reader].values).toEqual(expected(contractCase));
      });

      it('has the types of its schema', () => {
        expect(must(seen.get(name)).pyarrow.types).toEqual(
          Object.fromEntries(
            batch.schema.columns.map((column) => [
              column.name,
              arrowType(flatType(column.type)) + (column.nullable ? '' : ' not null'),
            ]),
          ),
        );
      });

      it('counts rows and nulls in its statistics and in its footer', () => {
        const { stats } = must(files.get(name));
        const columns = expected(contractCase);
        const nulls = Object.fromEntries(
          Object.entries(columns).map(([column, values]) => [
            column,
            values.filter((v) => v === null).length,
          ]),
        );
        expect(stats.numRecords).toBe(batch.rowCount);
        expect(stats.nullCount).toEqual(nulls);
        expectFooterCounts(must(seen.get(name)).rowGroups, columns, contractCase, limits);
      });

      it('bounds each column in its statistics', () => {
        const { stats } = must(files.get(name));
        expect(boundsAsJson(stats.minValues)).toEqual(contractCase.minValues);
        expect(boundsAsJson(stats.maxValues)).toEqual(contractCase.maxValues);
      });

      it('bounds each column in its footer, where a reader uses it', () => {
        const { pyarrow, rowGroups } = must(seen.get(name));
        expectFooterBounds(rowGroups, pyarrow.values, contractCase, limits);
      });
    });

    it('cuts many rows into bounded row groups', () => {
      const groups = must(seen.get('many rows')).rowGroups;
      expect(groups.length).toBeGreaterThan(1);
      for (const { rows } of groups) expect(rows).toBeLessThanOrEqual(131_072);
    });

    it('keeps any batch', async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryBatch(limits), async (batch) => {
          const { bytes, stats } = await encoder.encode(rowsOf(batch));
          expect(await readBack(bytes, batch.schema)).toEqual(
            columnsAsJson(batch, limits.zero === 'unsigned'),
          );
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
        ['a time beyond 64 bits', oneColumn('timestamp', [2n ** 63n])],
        ['text in a binary column', oneColumn('binary', ['x'])],
        ['a number as a truth value', oneColumn('boolean', [1])],
        ['a date beyond 32 bits', oneColumn('date', [2 ** 31])],
        ['fewer values than rows', { ...oneColumn('string', ['secret-value']), rowCount: 2 }],
        ['more values than rows', { ...oneColumn('string', ['secret-value', 'secret-value']), rowCount: 1 }],
        ['a decimal with too many digits', oneColumn('decimal(4,2)', [10_000])],
        ['a decimal beyond 38 digits', oneColumn('decimal(38,0)', [10n ** 38n])],
        ...(limits.decimals === 'refused' ? [['decimals', decimalsCase.batch] as [string, ColumnBatch]] : []),
        ...(limits.nan === 'refused' ? [['NaN', nanCase.batch] as [string, ColumnBatch]] : []),
        ...(limits.earlyTimes === 'millis'
          ? [['microseconds before 1970', earlyMicrosecondsCase.batch] as [string, ColumnBatch]]
          : []),
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

/** A number with a fraction stays text. */
const rawNumber = (digits: string): bigint | string => (digits.includes('.') ? digits : BigInt(digits));

/** The bounds. Values that `JSON.stringify` writes as the digits of an integer become bigints. */
function boundsAsJson(bounds: FileStats['minValues']): Record<string, unknown> | undefined {
  if (bounds === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(bounds).map(([name, value]) => [
      name,
      typeof value === 'object' ? rawNumber(JSON.stringify(value)) : value,
    ]),
  );
}
