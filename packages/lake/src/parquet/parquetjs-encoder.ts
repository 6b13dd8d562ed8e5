import { WindrowError } from '@windrow/runtime';
import parquetjs, { type ByteSink, type FieldDefinition, type ParquetSchema } from 'parquetjs-lite';
import type { Column } from '../columns/column-buffers.ts';
import { leafTypes } from '../columns/leaf-types.ts';
import { wrongValue } from '../columns/wrong-value.ts';
import { isDecimal } from '../decimal.ts';
import type {
  ColumnValue,
  FlatColumn,
  PrimitiveType,
  ScalarType,
  TableColumn,
  TableSchema,
} from '../table-schema.ts';
import { ChunkBuffers } from './chunk-buffers.ts';
import { type ColumnSummary, fileStats } from './column-bounds.ts';
import { fileOrder } from './file-order.ts';
import { gatherChunk } from './gather-chunk.ts';
import type { EncodedFile, FileRows, ParquetEncoder } from './parquet-encoder.ts';

/** Also the rows per page: when the first of several pages is all null, the library loses the row group's bounds. */
const rowGroupRows = 16_384;
const dayMs = 86_400_000;
/** The farthest time from 1970 that a JavaScript Date holds. */
const maxDateUs = 8_640_000_000_000_000_000n;

const fieldTypes: Readonly<Record<PrimitiveType, FieldDefinition['type']>> = {
  binary: 'BYTE_ARRAY',
  boolean: 'BOOLEAN',
  date: 'DATE',
  double: 'DOUBLE',
  float: 'FLOAT',
  integer: 'INT32',
  long: 'INT64',
  string: 'UTF8',
  timestamp: 'TIMESTAMP_MICROS',
};

/**
 * Encodes row by row with parquetjs-lite, for users who need that library's files. It rejects values that the library would
 * change or fail on: longs beyond ±(2^53 − 1), NaN, and times before 1970 with microseconds. Its timestamps have only the converted
 * type TIMESTAMP_MICROS.
 */
export function createParquetjsEncoder(): ParquetEncoder {
  return { name: 'parquetjs-lite', encode };
}

async function encode(rows: FileRows): Promise<EncodedFile> {
  const { buffers } = rows;
  const { schema } = buffers;
  const order = fileOrder(rows);
  const columns = schema.columns.map(flatColumn);
  const scratch = new ChunkBuffers();
  scratch.reserve(order.length);
  const summaries = columns.map((column, index) =>
    summarize(column, buffers.columns[index]!, order, scratch),
  );
  const sink = new MemorySink();
  const writer = await parquetjs.ParquetWriter.openStream(parquetjsSchema(schema), sink, {
    // The library's page index is invalid; readers that use it fail.
    pageIndex: false,
    pageSize: rowGroupRows,
    rowGroupSize: rowGroupRows,
  });
  const convert = columns.map(({ type }) => toParquetjs(type));
  for (const row of order) {
    const record: Record<string, unknown> = {};
    schema.columns.forEach(({ name }, index) => {
      const value = buffers.valueAt(index, row);
      if (value !== null) record[name] = convert[index]!(value);
    });
    // Without the await the library writes rows twice.
    await writer.appendRow(record);
  }
  await writer.close();
  return { bytes: sink.bytes(), stats: fileStats(columns.flatMap(leafTypes), order.length, summaries) };
}

/** @throws WindrowError ENCODE_FAILED for a type that Windrow doesn't write with this library */
function flatColumn({ type, ...column }: TableColumn): FlatColumn {
  if (typeof type === 'object') throw beyondParquetjs({ ...column, type }, 'has no nested columns');
  if (isDecimal(type)) throw beyondParquetjs({ ...column, type }, 'has no decimals');
  return { ...column, type };
}

/** Checks a column and computes its statistics, before any row is written. */
function summarize(
  column: TableColumn,
  buffer: Column,
  order: Uint32Array,
  scratch: ChunkBuffers,
): ColumnSummary {
  if (buffer.kind === 'nested') throw new TypeError('a flat column has a nested buffer');
  const { values } = gatherChunk(buffer, order, scratch);
  const nullCount = order.length - values.count;
  if (nullCount > 0 && !column.nullable) throw wrongValue(column, null);
  const bounds = values.bounds(0, values.count);
  const isFloat = column.type === 'double' || column.type === 'float';
  if (bounds === 'unordered' && isFloat) throw beyondParquetjs(column, 'has no NaN');
  if (bounds === undefined || bounds === 'unordered') return { bounds, nullCount };
  if (column.type === 'timestamp') {
    assertTimes(column, buffer, order);
    return { bounds, nullCount };
  }
  const isWide = [bounds.min, bounds.max].some((bound) => !Number.isSafeInteger(Number(bound)));
  if (buffer.kind === 'int64' && isWide) throw beyondParquetjs(column, 'rounds longs beyond 2^53');
  return { bounds, nullCount };
}

/** The library takes times before 1970 only as a Date, which has milliseconds. */
function assertTimes(column: TableColumn, buffer: Column, order: Uint32Array): void {
  if (buffer.kind !== 'int64') return;
  for (const row of order) {
    const time = buffer.values[row]!;
    if (buffer.present[row] === 0 || time >= 0n) continue;
    if (time < -maxDateUs) throw beyondParquetjs(column, 'has no times before the year -271821');
    if (time % 1_000n !== 0n) throw beyondParquetjs(column, 'has no microseconds before 1970');
  }
}

function beyondParquetjs(column: TableColumn, limit: string): WindrowError {
  return new WindrowError(
    'ENCODE_FAILED',
    `column ${column.name} has a value that parquetjs-lite can't store (it ${limit}): use LAKE_PARQUET_ENCODER=columnar`,
  );
}

function parquetjsSchema(schema: TableSchema): ParquetSchema {
  return new parquetjs.ParquetSchema(
    Object.fromEntries(
      schema.columns.map(({ name, nullable, type }): [string, FieldDefinition] => [
        name,
        {
          type: fieldTypes[type as PrimitiveType],
          optional: nullable,
          compression: 'SNAPPY',
          // The library orders strings by UTF-16 units and bytes by their decimal text. Readers would prune wrongly by such bounds.
          statistics: type !== 'string' && type !== 'binary',
        },
      ]),
    ),
  );
}

/**
 * The library rejects negative times and dates as numbers, but accepts them as Dates. Equal times share a Date, so that the
 * library counts them as one distinct value.
 */
function toParquetjs(type: ScalarType): (value: NonNullable<ColumnValue>) => unknown {
  if (type !== 'timestamp' && type !== 'date') return (value) => value;
  const msOf = (value: bigint) => (type === 'date' ? Number(value) * dayMs : Number(value / 1_000n));
  const dates = new Map<bigint, Date>();
  return (value) => {
    const time = BigInt(value as number | bigint);
    if (time >= 0n) return type === 'date' ? value : time;
    const date = dates.get(time) ?? new Date(msOf(time));
    dates.set(time, date);
    return date;
  };
}

/** Collects the file's bytes in memory. */
class MemorySink implements ByteSink {
  private readonly parts: Uint8Array[] = [];

  write(bytes: Uint8Array, done: () => void): void {
    this.parts.push(bytes);
    done();
  }

  end(done: () => void): void {
    done();
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.parts);
  }
}
