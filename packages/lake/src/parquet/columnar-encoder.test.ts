import { createColumnarEncoder } from './columnar-encoder.ts';
import { encoderContract } from './testing/encoder-contract.ts';
import { limitsOf } from './testing/encoder-limits.ts';

encoderContract(createColumnarEncoder(), limitsOf.columnar);
