import { encoderContract } from './encoder-contract.ts';
import { createParquetjsEncoder } from './parquetjs-encoder.ts';

encoderContract(createParquetjsEncoder(), {
  longs: 'safe',
  nan: 'refused',
  zero: 'unsigned',
  withoutFooterBounds: ['string', 'binary'],
});
