import fc from 'fast-check';

/** A track message as a sender may write it, and what both stores must hold of it. */
export interface RandomDocument {
  /** The message's id without the door's prefix. */
  id: string;
  /** The JSON text of the message's members, without the id. */
  members: string;
  /** Undefined for a message that must be refused, because its time is none. */
  expected: StoredValues | undefined;
  /** The name of the event as it is sent. */
  event: string;
}

export interface StoredValues {
  event_name: string;
  user_id: string;
  app_version: string;
  /** ISO 8601, UTC, with milliseconds. */
  occurred_at: string;
  /** JSON, with the digits that were sent. */
  properties: string;
}

/** A value as JSON text: as it is sent, and as it must be stored. */
interface JsonValue {
  sent: string;
  stored: string;
}

const same = (text: string): JsonValue => ({ sent: text, stored: text });

const digits = (maxLength: number) =>
  fc
    .array(fc.constantFrom(...'0123456789'), { minLength: 1, maxLength })
    .map((chosen) => chosen.join('').replace(/^0+(?=.)/, ''));

/** Whole numbers, fractions with zeros at their end, and exponents, most of them beyond what a double holds. */
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits(40),
    fc.option(fc.stringMatching(/^[0-9]{1,25}$/), { freq: 1 }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.integer({ min: 0, max: 400 })), { freq: 3 }),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : exponent.join('')}`,
  );

const text = fc
  .array(
    fc.constantFrom(
      ...[
        'a',
        'Z',
        '0',
        ' ',
        '"',
        '\\',
        '/',
        '\t',
        '\n',
        '\u007f',
        '\u00fc',
        '\u6f22',
        '\u{1f600}',
        '\u2028',
      ],
      ...['\ufffd', '\u0000', '\ud800', '\udfff', '\\u0000', '\u0301', '<', '&'],
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((units) => units.join(''));

const stored = (value: string): string => value.replaceAll('\0', '\ufffd').toWellFormed();

const jsonText = text.map((value) => ({
  sent: JSON.stringify(value),
  stored: JSON.stringify(stored(value)),
}));

/** Names that are different when they are stored, too, and that JavaScript doesn't move to the front of an object. */
const name = fc.stringMatching(/^[a-z][a-z .$"-]{0,8}$/);

const { value: anyJson, object } = fc.letrec<{ value: JsonValue; object: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    { weight: 3, arbitrary: number.map(same) },
    { weight: 2, arbitrary: jsonText },
    fc.constantFrom('null', 'true', 'false', '{}', '[]', '""').map(same),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => joined('[', items, ']')),
    tie('object'),
  ),
  object: fc
    .uniqueArray(fc.tuple(name, tie('value')), { maxLength: 4, selector: ([own]) => own })
    .map((entries) =>
      joined(
        '{',
        entries.map(([own, value]) => {
          const key = `${JSON.stringify(own)}:`;
          return { sent: key + value.sent, stored: key + value.stored };
        }),
        '}',
      ),
    ),
}));

function joined(open: string, parts: readonly JsonValue[], close: string): JsonValue {
  const join = (texts: string[]) => `${open}${texts.join(',')}${close}`;
  return { sent: join(parts.map(({ sent }) => sent)), stored: join(parts.map((part) => part.stored)) };
}

/** Objects in lists in objects. 64 levels are allowed. */
const deep = anyJson.map(({ sent, stored }): JsonValue => {
  const wrap = (inner: string) => `${'{"a":['.repeat(24)}${inner}${']}'.repeat(24)}`;
  return { sent: wrap(sent), stored: wrap(stored) };
});

/** JSON texts of a time between 2001 and 2026, and the millisecond at or before it. */
const time = fc
  .tuple(
    fc.integer({ min: Date.parse('2001-09-10T00:00:00Z'), max: Date.parse('2026-01-01T00:00:00Z') }),
    fc.integer({ min: 0, max: 999 }),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(([ms, us, form]) => {
    const iso = new Date(ms).toISOString();
    const [date = '', clock = ''] = iso.slice(0, -1).split('T');
    const toSecond = new Date(Math.floor(ms / 1_000) * 1_000);
    const micros = `${String(us).padStart(3, '0')}`;
    const forms: [sent: string, instant: Date][] = [
      [`"${iso}"`, new Date(ms)],
      [`"${date} ${clock}${micros}+00"`, new Date(ms)],
      [`"${date}T${clock}${micros}789z"`, new Date(ms)],
      [`"${new Date(ms + 19_800_000).toISOString().slice(0, -1)}+05:30"`, new Date(ms)],
      [`"${new Date(ms - 25_200_000).toISOString().slice(0, -1)}-0700"`, new Date(ms)],
      [`"${toSecond.toUTCString()}"`, toSecond],
      [`"${toSecond.toISOString().replaceAll(/[-:]|\.000/g, '')}"`, toSecond],
      [`"${date.replaceAll('-', '/')} ${toSecond.toISOString().slice(11, 19)}"`, toSecond],
      [String(ms), new Date(ms)],
      [`${ms}${micros}`, new Date(ms)],
    ];
    const [sent, instant] = forms[form] ?? ['', toSecond];
    return { sent, stored: instant.toISOString() };
  });

const noTime = fc
  .constantFrom(
    '"soon"',
    '"2024-02-30"',
    '"25.12.2024"',
    '{}',
    '1e400',
    '"2024-05-01T12:60:00Z"',
    '253402300800000',
  )
  .map((sent) => ({ sent, stored: undefined }));

const version = fc.oneof(
  number.map((of): JsonValue => ({ sent: of, stored: of })),
  text.map((of): JsonValue => ({ sent: JSON.stringify(of), stored: stored(of) })),
);

const document = fc
  .record({
    event: text,
    user: version,
    version,
    properties: fc.oneof({ weight: 5, arbitrary: object }, deep),
    time: fc.oneof({ weight: 6, arbitrary: time }, noTime),
  })
  .map(({ event, user, version, properties, time }): Omit<RandomDocument, 'id'> => {
    const parts = [
      '"type":"track"',
      `"event":${JSON.stringify(event)}`,
      `"userId":${user.sent}`,
      `"context":{"app":{"version":${version.sent}}}`,
      `"properties":${properties.sent}`,
      `"timestamp":${time.sent}`,
    ];
    return {
      members: parts.join(','),
      event,
      expected:
        time.stored === undefined
          ? undefined
          : {
              event_name: stored(event),
              user_id: user.stored,
              app_version: version.stored,
              occurred_at: time.stored,
              properties: properties.stored,
            },
    };
  });

/** The same documents for the same seed. */
export function randomDocuments(count: number, seed: number): RandomDocument[] {
  return fc
    .sample(document, { numRuns: count, seed })
    .map((of, index) => ({ ...of, id: `doc-${String(index).padStart(4, '0')}` }));
}
