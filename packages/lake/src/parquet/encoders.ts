import { createColumnarEncoder } from './columnar-encoder.ts';
import type { ParquetEncoder } from './parquet-encoder.ts';
import { createParquetjsEncoder } from './parquetjs-encoder.ts';

export const encoderNames = ['columnar', 'parquetjs-lite'] as const;
export type EncoderName = (typeof encoderNames)[number];

/** Creates the encoder with this name (`LAKE_PARQUET_ENCODER` of the lake sink). Both write files of the same schema. */
export function createEncoder(name: EncoderName): ParquetEncoder {
  return name === 'columnar' ? createColumnarEncoder() : createParquetjsEncoder();
}
