import type { ScalarType } from '../../table-schema.ts';
import type { EncoderName } from '../encoders.ts';
import {
  decimalsCase,
  type EncoderCase,
  earlyMicrosecondsCase,
  encoderCases,
  nanCase,
  wideLongCase,
} from './encoder-cases.ts';

/** The limitations that an encoder declares. It must support everything else. */
export interface EncoderLimits {
  /** `safe`: rejects longs beyond 2^53. */
  readonly longs: 'exact' | 'safe';
  readonly nan: 'kept' | 'refused';
  readonly decimals: 'kept' | 'refused';
  /** `millis`: rejects times before 1970 that are not whole milliseconds. */
  readonly earlyTimes: 'exact' | 'millis';
  /** `unsigned`: -0 is stored as 0. */
  readonly zero: 'signed' | 'unsigned';
  /** Types whose footer statistics have no usable bounds. */
  readonly withoutFooterBounds: readonly ScalarType[];
}

export const limitsOf: Readonly<Record<EncoderName, EncoderLimits>> = {
  columnar: {
    longs: 'exact',
    nan: 'kept',
    decimals: 'kept',
    earlyTimes: 'exact',
    zero: 'signed',
    withoutFooterBounds: [],
  },
  'parquetjs-lite': {
    longs: 'safe',
    nan: 'refused',
    decimals: 'refused',
    earlyTimes: 'millis',
    zero: 'unsigned',
    withoutFooterBounds: ['string', 'binary'],
  },
};

/** The cases that an encoder must encode. */
export function casesWithin(limits: EncoderLimits): EncoderCase[] {
  return [
    ...encoderCases,
    ...(limits.nan === 'kept' ? [nanCase] : []),
    ...(limits.decimals === 'kept' ? [decimalsCase] : []),
    ...(limits.longs === 'exact' ? [wideLongCase] : []),
    ...(limits.earlyTimes === 'exact' ? [earlyMicrosecondsCase] : []),
  ];
}
