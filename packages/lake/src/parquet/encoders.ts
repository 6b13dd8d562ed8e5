import { createColumnarEncoder } from './columnar-encoder.ts';
import type { ParquetEncoder } from './parquet-encoder.ts';
import { createParquetjsEncoder } from './parquetjs-encoder.ts';

export const encoderNames = ['columnar', 'parquetjs-lite'] as const;
export type EncoderName = (typeof encoderNames)[number];

/** Whether the encoder with this name writes nested columns. */
export function hasNestedColumns(name: EncoderName): boolean {
  return name === 'columnar';
}

/** Creates the encoder with this name (`LAKE_PARQUET_ENCODER` of the lake sink). */
export function createEncoder(name: EncoderName): ParquetEncoder {
  return name === 'columnar' ? createColumnarEncoder() : createParquetjsEncoder();
}
