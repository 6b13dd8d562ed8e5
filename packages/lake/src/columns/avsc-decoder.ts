import { appendValue } from './append-value.ts';
import type { RecordDecoder, ResolvedSchemas } from './record-decoder.ts';

/** Decodes with avsc to a JavaScript object for each record, and appends its values to the columns. */
export function avscDecoder(
  { reader, resolver, schema }: ResolvedSchemas,
  fallbackReason: string,
): RecordDecoder {
  const names = reader.fields.map(({ name }) => name);
  return {
    isGenerated: false,
    fallbackReason,
    decode(source, starts, ends, from, to, { columns }) {
      const buffer = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
      for (let index = from; index < to; index++) {
        const record = recordOf(buffer.subarray(starts[index], ends[index]));
        const rows = columns[0]?.rows ?? 0;
        if (
          record !== undefined &&
          names.every((name, at) => appendValue(columns[at]!, record[name], schema.columns[at]!))
        )
          continue;
        for (const column of columns.slice(0, names.length)) column.truncate(rows);
        return index;
      }
      return to;
    },
  };

  function recordOf(bytes: Buffer): Record<string, unknown> | undefined {
    try {
      const { offset, value } = reader.decode(bytes, 0, resolver);
      return offset === bytes.length ? (value as Record<string, unknown>) : undefined;
    } catch {
      return undefined;
    }
  }
}
