import { createColumnarEncoder } from './columnar-encoder.ts';
import { encoderContract } from './encoder-contract.ts';
import { limitsOf } from './encoder-limits.ts';

encoderContract(createColumnarEncoder(), limitsOf.columnar);
