import { generatedDecoder } from './generated-decoder.ts';
import type { RecordDecoder, ResolvedSchemas } from './record-decoder.ts';

/**
 * Resolves each record with avsc to a JavaScript object, and decodes it from there as one of the reader's schema. Values that the
 * reader's schema has in another unit are converted by the resolver, and the fields that it lacks are added to `_extra`.
 */
export function avscDecoder(schemas: ResolvedSchemas, fallbackReason: string): RecordDecoder {
  const { reader, resolver, addUnread, schema } = schemas;
  const own = generatedDecoder({ writer: reader, reader, resolver: undefined, schema });
  const starts = new Int32Array(1);
  const ends = new Int32Array(1);
  return {
    isGenerated: false,
    fallbackReason,
    decode(source, starting, ending, from, to, columns) {
      const buffer = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
      for (let index = from; index < to; index++) {
        const bytes = resolved(buffer.subarray(starting[index], ending[index]));
        if (bytes === undefined) return index;
        ends[0] = bytes.length;
        if (own.decode(bytes, starts, ends, 0, 1, columns) === 0) return index;
      }
      return to;
    },
  };

  function resolved(bytes: Buffer): Buffer | undefined {
    try {
      const { offset, value } = reader.decode(bytes, 0, resolver);
      if (offset !== bytes.length) return undefined;
      addUnread?.(value, bytes, 0);
      return reader.toBuffer(value);
    } catch {
      return undefined;
    }
  }
}
