import { createColumnarEncoder } from './columnar-encoder.ts';
import { encoderContract } from './encoder-contract.ts';

encoderContract(createColumnarEncoder(), {
  longs: 'exact',
  nan: 'kept',
  zero: 'signed',
  withoutFooterBounds: [],
});
