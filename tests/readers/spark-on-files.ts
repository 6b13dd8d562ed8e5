import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { columnBuffersFrom } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { flatType } from '../../packages/lake/src/columns/testing/buffers-from-batch.ts';
import { isDecimal } from '../../packages/lake/src/decimal.ts';
import { createEncoder, encoderNames } from '../../packages/lake/src/parquet/encoders.ts';
import { casesWithin, limitsOf } from '../../packages/lake/src/parquet/testing/encoder-limits.ts';
import {
  expectFooterBounds,
  expectFooterCounts,
  type RowGroupAsRead,
} from '../../packages/lake/src/parquet/testing/footer-assertions.ts';
import {
  answerOf,
  millionRows,
  noDifference,
  predicates,
  questions,
  rowCount,
} from '../../packages/lake/src/parquet/testing/pruning-cases.ts';
import { columnsAsJson, type TableAsRead } from '../../packages/lake/src/parquet/testing/values-as-json.ts';
import type { PrimitiveType } from '../../packages/lake/src/table-schema.ts';
import type { Spark } from './spark.ts';

/** Spark takes any column of a file to be nullable, whatever the file says. */
const sparkTypes: Readonly<Record<PrimitiveType, string>> = {
  binary: 'binary',
  boolean: 'boolean',
  date: 'date',
  double: 'double',
  float: 'float',
  integer: 'int',
  long: 'bigint',
  string: 'string',
  timestamp: 'timestamp',
};

interface FileAsRead {
  readonly vectorized: TableAsRead;
  readonly rowByRow: TableAsRead;
  readonly rowGroups: readonly RowGroupAsRead[];
}
interface Filtered {
  answers: Record<string, Record<'full' | 'filtered', unknown> & { read: number }>;
  differing: Record<string, number>;
}

/** Registers the tests of Spark on Parquet files: all cases of the encoders' contract, and a file of a million rows. */
export function sparkOnFiles(spark: () => Spark): void {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'windrow-spark-files-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe.each(encoderNames)('on files of the %s encoder', (encoderName) => {
    const encoder = createEncoder(encoderName);
    const limits = limitsOf[encoderName];
    const cases = casesWithin(limits);
    const fileOf = (index: number) => path.join(folder, `${encoderName}-${index}.parquet`);
    let seen: Record<string, FileAsRead>;

    beforeAll(async () => {
      for (const [index, { batch }] of cases.entries()) {
        const { bytes } = await encoder.encode({ buffers: columnBuffersFrom(batch) });
        await writeFile(fileOf(index), bytes);
      }
      const paths = cases.map((_, index) => fileOf(index));
      seen = (await spark().ask('files', { paths })) as Record<string, FileAsRead>;
    });

    describe.each(cases.map((contractCase, index) => ({ ...contractCase, index })))(
      '$name',
      (contractCase) => {
        const { batch, index } = contractCase;
        const expected = columnsAsJson(batch, limits.zero === 'unsigned');

        it.each(['vectorized', 'rowByRow'] as const)('is read back, %s', (reader) => {
          expect(must(seen[fileOf(index)])[reader].values).toEqual(expected);
        });

        it('has the types of its schema', () => {
          const types = batch.schema.columns.map((column) => {
            const type = flatType(column.type);
            return [column.name, isDecimal(type) ? type : sparkTypes[type]];
          });
          expect(must(seen[fileOf(index)]).vectorized.types).toEqual(Object.fromEntries(types));
        });

        it('counts and bounds its rows in its footer', () => {
          const { rowGroups } = must(seen[fileOf(index)]);
          expectFooterCounts(rowGroups, expected, contractCase, limits);
          expectFooterBounds(rowGroups, expected, contractCase, limits);
        });
      },
    );
  });

  describe('on a million rows', () => {
    let seen: Filtered;
    /** For Spark NaN is more than any number. */
    const asked = [
      ...predicates,
      ['real > 125000.25', (row: number) => row % 50_000 === 49_999] as const,
      ['isnan(real)', (row: number) => row % 50_000 === 49_999] as const,
    ];

    beforeAll(async () => {
      const file = path.join(folder, 'million-rows.parquet');
      const { bytes } = await createEncoder('columnar').encode(millionRows());
      await writeFile(file, bytes);
      const about = { path: file, ...questions, predicates: asked.map(([sql]) => sql) };
      seen = (await spark().ask('filter', about)) as Filtered;
    });

    test('every value is what it was', () => {
      expect(seen.differing).toEqual(noDifference);
    });

    test.each(asked)('%s: a filter finds what a full scan finds', (sql, holds) => {
      const answer = answerOf(holds);
      expect(seen.answers[sql]).toMatchObject({ full: answer, filtered: answer });
    });

    test('the filters have left out row groups and pages', () => {
      const read = (sql: string) => must(seen.answers[sql]).read;
      expect(read("id = 'id-4711x'")).toBe(0);
      expect(read('position = 131072')).toBeLessThanOrEqual(32_768);
      expect(read('city IS NULL')).toBe(rowCount);
    });
  });
}
