import { invalidTime, type RefusedTime, timeOutOfRange } from './time-reading.ts';

const wayOut = 'send a time such as 2024-05-01T12:00:00Z';

/** Forms that are refused although a person can read them, with the reason. The first that matches is told. */
const knownForms: readonly [RegExp, RefusedTime][] = [
  [/[^\P{Nd}0-9]/u, invalidTime(`its digits must be 0 to 9; ${wayOut}`)],
  [/^[+-]?\d{5,}-\d|^-\d|^0{4}-|\sBC$|^[+-]?infinity$/i, timeOutOfRange],
  [/^\d{4}-?W\d/i, invalidTime(`week dates are not accepted; ${wayOut}`)],
  [
    /^\d{4}-?\d{3}(?:\D|$)/,
    invalidTime(`ordinal dates (year and day of the year) are not accepted; ${wayOut}`),
  ],
  [
    /^\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?:\D|$)/,
    invalidTime(
      `the order of its day, month and year can't be told; ${wayOut}, or give the field formats in the contract`,
    ),
  ],
  [/\d\s*[ap]\.?m\.?(?:\s|$)/i, invalidTime(`times with am and pm need formats in the contract; ${wayOut}`)],
  [
    /:\d\d(?:[.,]\d+)?\s*(?!utc|gmt)[a-z]{2,5}(?:\s+\d{4})?$/i,
    invalidTime('abbreviated time zones are not unique; send an offset such as +02:00'),
  ],
  [/\d[\s-]\p{L}{3,9}[\s-]\d\d\s/iu, invalidTime(`years need four digits; ${wayOut}`)],
  [
    /\d.*\p{L}{3}|\p{L}{3}.*\d/u,
    invalidTime(`names of months must be English, as in 1 May 2024 12:00:00 GMT; ${wayOut}`),
  ],
];

const otherForm: RefusedTime = {
  ok: false,
  reason: 'invalid',
  expected: 'a time such as 2024-05-01T12:00:00Z, or milliseconds since 1970',
};

/** Says why a text that no form describes is refused. */
export function refusedTime(text: string): RefusedTime {
  return knownForms.find(([form]) => form.test(text))?.[1] ?? otherForm;
}
