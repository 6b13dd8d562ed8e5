import { encoderContract } from './encoder-contract.ts';
import { limitsOf } from './encoder-limits.ts';
import { createParquetjsEncoder } from './parquetjs-encoder.ts';

encoderContract(createParquetjsEncoder(), limitsOf['parquetjs-lite']);
