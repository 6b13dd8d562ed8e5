import { isJsonObject } from '@windrow/contracts';
import { type PathStep, pathText } from './read/record-path.ts';

type JsonObject = Record<string, unknown>;

/** A record that wraps the records of a stream. */
export interface Envelope {
  /** For people: what it is. */
  name: string;
  /** Where its records are: the value of `--path`. */
  path: string;
}

interface KnownEnvelope {
  name: string;
  /** Names that it has, all of them. */
  has: readonly string[];
  path: string;
  /** A stream that takes this name takes the envelope itself for a record. Default: the first name of the path. */
  marker?: string;
  /** More about its values. */
  test?: (value: JsonObject) => boolean;
}

const changes = ['c', 'u', 'd', 'r', 't', 'm'];
const isChange = ({ op }: JsonObject) => changes.includes(String(op));
const firstOf = (list: unknown): JsonObject => {
  const [first] = Array.isArray(list) ? list : [];
  return isJsonObject(first) ? first : {};
};

/** The more special ones first. */
const known: KnownEnvelope[] = [
  {
    ...{ name: 'a GeoJSON FeatureCollection', has: ['type', 'features'], path: 'features[*].properties' },
    test: ({ type }) => type === 'FeatureCollection',
  },
  {
    ...{ name: 'a GeoJSON Feature', has: ['type', 'properties', 'geometry'], path: 'properties' },
    marker: 'geometry',
    test: ({ type }) => type === 'Feature',
  },
  {
    ...{ name: 'a Debezium change event with its schema', has: ['payload'], path: 'payload.after' },
    test: ({ payload }) => isJsonObject(payload) && 'after' in payload && isChange(payload),
  },
  { name: 'a Debezium change event', has: ['op', 'after'], path: 'after', test: isChange },
  { name: 'a record of Kafka Connect with its schema', has: ['schema', 'payload'], path: 'payload' },
  { name: 'a CloudEvent', has: ['specversion', 'data'], path: 'data' },
  { name: 'a CloudEvent', has: ['specversion', 'data_base64'], path: 'data_base64' },
  { name: 'an event of EventBridge', has: ['detail-type', 'detail'], path: 'detail' },
  { name: 'a notification of SNS', has: ['TopicArn', 'Message'], path: 'Message' },
  { name: 'a message of SQS', has: ['MessageId', 'Body'], path: 'Body' },
  {
    ...{ name: 'messages of SQS', has: ['Messages'], path: 'Messages[*].Body' },
    test: ({ Messages }) => 'Body' in firstOf(Messages),
  },
  {
    ...{ name: 'notifications of SNS', has: ['Records'], path: 'Records[*].Sns.Message' },
    test: ({ Records }) => isJsonObject(firstOf(Records).Sns),
  },
  {
    ...{ name: 'records of Kinesis', has: ['Records'], path: 'Records[*].kinesis.data' },
    test: ({ Records }) => isJsonObject(firstOf(Records).kinesis),
  },
  {
    ...{ name: 'records of Kinesis', has: ['Records'], path: 'Records[*].Data' },
    test: ({ Records }) => 'Data' in firstOf(Records),
  },
  {
    ...{ name: 'messages of SQS', has: ['Records'], path: 'Records[*].body' },
    test: ({ Records }) => 'body' in firstOf(Records),
  },
  {
    ...{ name: 'records of Firehose', has: ['records'], path: 'records[*].data' },
    test: ({ records }) => 'data' in firstOf(records),
  },
  {
    ...{ name: 'a message of Pub/Sub', has: ['message', 'subscription'], path: 'message.data' },
    test: ({ message }) => isJsonObject(message) && 'data' in message,
  },
  {
    ...{ name: 'hits of Elasticsearch', has: ['hits'], path: 'hits.hits[*]._source' },
    test: ({ hits }) => isJsonObject(hits) && Array.isArray(hits.hits),
  },
  { name: 'a document of Elasticsearch', has: ['_source'], path: '_source' },
];

/** How deep records are looked for in objects of unknown make. */
const maxDepth = 4;

/**
 * The envelope that a value is; undefined if it is a record itself.
 * @param fieldsIn counts the names of an object that fields of the stream take
 */
export function envelopeOf(value: unknown, fieldsIn: (names: string[]) => number): Envelope | undefined {
  if (!isJsonObject(value)) return undefined;
  for (const { name, has, path, marker, test } of known) {
    if (!has.every((member) => member in value) || test?.(value) === false) continue;
    const [first = ''] = path.split(/[.[]/, 1);
    if (fieldsIn([marker ?? first]) === 0) return { name, path };
  }
  // A field of the stream may hold records of another kind.
  const others = Object.entries(value).filter(([name]) => fieldsIn([name]) === 0);
  const inner = recordsWithin(Object.fromEntries(others), fieldsIn, []);
  if (!inner || inner.fields <= fieldsIn(Object.keys(value))) return undefined;
  return { name: 'an envelope', path: pathText(inner.steps) };
}

/** The way to the objects with the most fields of the stream. */
function recordsWithin(
  value: JsonObject,
  fieldsIn: (names: string[]) => number,
  way: readonly PathStep[],
): { steps: readonly PathStep[]; fields: number } | undefined {
  let best: { steps: readonly PathStep[]; fields: number } | undefined;
  for (const [name, member] of Object.entries(value)) {
    const isList = Array.isArray(member);
    const inner = isList ? firstOf(member) : member;
    if (!isJsonObject(inner)) continue;
    const steps: PathStep[] = [...way, { name }, ...(isList ? (['each'] as const) : [])];
    const here = { steps, fields: fieldsIn(Object.keys(inner)) };
    const deeper = way.length < maxDepth ? recordsWithin(inner, fieldsIn, steps) : undefined;
    for (const found of [here, deeper]) if (found && found.fields > (best?.fields ?? 0)) best = found;
  }
  return best;
}
