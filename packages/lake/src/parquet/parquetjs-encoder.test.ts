import { createParquetjsEncoder } from './parquetjs-encoder.ts';
import { encoderContract } from './testing/encoder-contract.ts';
import { limitsOf } from './testing/encoder-limits.ts';

encoderContract(createParquetjsEncoder(), limitsOf['parquetjs-lite']);
