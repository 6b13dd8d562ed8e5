import type { Type } from 'avsc';
import type { AvroRecordSchema, EventRecord } from './avro/avro-record.ts';
import type { QualityNote, ValueSeverity } from './quality.ts';
import type { Step } from './step.ts';
import type { TimeForm } from './time/read-time.ts';
import type { TimeWarning } from './time/time-reading.ts';

/**
 * The types of a stream's contract. A stream is a folder below `streams/`: `schema.avsc`, `contract.ts` (its default export
 * is made with {@link defineStream}), and `migrations/*.sql` if it has curated tables. Services read contracts and never
 * name a stream. So a new stream needs only a new folder.
 */

/** A Kafka topic and its settings. */
export interface TopicSpec {
  name: string;
  /**
   * `compact` keeps the newest record of each key. `delete` keeps all records for `retentionMs`. `compact,delete` keeps the
   * newest record of each key for `retentionMs`.
   */
  cleanup: 'delete' | 'compact' | 'compact,delete';
  /** −1: forever. */
  retentionMs: number;
  /** Kafka compacts older records after this time at the latest. For topics that change fast and are read completely. */
  compactWithinMs?: number;
  /** Default: KAFKA_PARTITIONS. */
  partitions?: number;
}

/** Where an input came from. It decides whose clock is trusted. */
export type InputSource =
  /** `unread`: the names in the input that no field of the stream takes. */
  | { kind: 'file'; unread?: readonly string[] }
  /** `receivedAtMs`: when the HTTP server had received the complete request. */
  | { kind: 'http'; receivedAtMs: number };

/** A doubt about an input that was accepted. The producer counts it by source, and `load` prints the counts. */
export type InputWarning =
  | TimeWarning
  /** A text had U+0000 or half of a surrogate pair, which U+FFFD replaces. */
  | 'replaced_text'
  /** Over HTTP: the message has names that no field of the stream takes. Their values are in `_extra`. */
  | 'unknown_fields'
  /** By the sender's clock, the event was sent before it happened, or outside the years 1 to 9999. */
  | 'clock_implausible';

/** The result of parsing one input. `reason` is a short stable code; `message` is for people. */
export type ParseResult =
  /** `notes`: those that the record has in `_quality`. */
  | {
      ok: true;
      record: EventRecord;
      warnings?: readonly InputWarning[];
      notes?: readonly QualityNote[];
    }
  | { ok: false; reason: string; message: string };

/** The condition of a rule as data, for rules that JSON Schema can express. */
export type Constraint =
  /** `when`: the field is required only if that other field has that value. */
  | { kind: 'required'; field: string; when?: { field: string; is: string } }
  | { kind: 'anyOf'; fields: string[] }
  | { kind: 'between'; field: string; low: number; high: number }
  | { kind: 'oneOf'; field: string; values: readonly string[] }
  /** Bytes of the text in UTF-8. */
  | { kind: 'maxBytes'; field: string; bytes: number };

/** A quality rule. `check` returns null if the record keeps the rule, else a message for people. */
export interface Rule {
  /** Short stable code: the `reason` of the dead letter, or of the entry in `_quality`. */
  reason: string;
  /**
   * `reject` (default): the event becomes a dead letter. `null_out`: the first field that the rule reads becomes null. `warn`: the
   * event stays as it is. The last two add an entry to `_quality`, and are applied before the rules that reject.
   */
  severity?: ValueSeverity | 'warn';
  /** The fields that `check` reads. They are checked against the raw schema when contracts are loaded. */
  reads?: readonly string[];
  check(record: EventRecord): string | null;
  /** For the description of the HTTP API. */
  constraint?: Constraint;
}

/** A Postgres type that the sink can send in a COPY. */
export type PostgresType =
  | 'text'
  | 'timestamptz'
  | 'double precision'
  | 'bigint'
  | 'integer'
  | 'boolean'
  | 'jsonb'
  | 'smallint'
  | 'real'
  | 'bytea'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'uuid'
  /** Precision and scale. */
  | `numeric(${number},${number})`;

/** Sums of rows by group. The sink adds new rows of the curated table to the sums in the same transaction. */
export interface CuratedAggregate {
  table: string;
  /** Aggregate column → SQL expression over curated columns. These columns are the aggregate's primary key. */
  groupBy: Record<string, string>;
  /** Aggregate column → SQL aggregate expression. It must be additive (count, sum). */
  sums: Record<string, string>;
  /**
   * The rows of a group are within one interval of this length, aligned to the epoch, of the `partitionByDay` column. So a
   * replay sums only these rows again. Without it, a replay reads the whole table.
   */
  spanMs?: number;
}

export interface CuratedColumn {
  name: string;
  field: string;
  type: PostgresType;
  /** The Avro type of the field. Set when contracts are loaded. */
  avro?: Type;
}

/** How the sink writes a stream to Postgres. The stream's `migrations/*.sql` create the tables. */
export interface CuratedMapping {
  table: string;
  /** Each table column with the field of the (enriched) record that it holds. */
  columns: CuratedColumn[];
  /** The table's primary key. */
  key: string[];
  /** `ignore`: the first row of a key stays. `replace`: the last row wins, so a correction replaces the row. */
  onConflict: 'ignore' | 'replace';
  /** The timestamptz column by whose UTC day the table is partitioned. The sink creates missing partitions. */
  partitionByDay?: string;
  /** Only with `onConflict: 'ignore'`: a replaced row could not be subtracted from the sums. */
  aggregates?: CuratedAggregate[];
}

/** A path of the HTTP server that accepts `POST`. */
export interface HttpRoute {
  path: string;
  /** One line for people: what clients post here. */
  summary?: string;
  /**
   * The form of the body: one `message`; `messages`, one message or an array of them; or a `batch`, an object with an array
   * `batch`, whose `sentAt` and `context` apply to each message.
   */
  body: 'message' | 'messages' | 'batch';
  /** Values that the path sets, by the names in a message. They override the message's own. */
  sets?: Record<string, string>;
}

/** Where a message over HTTP has the values of the raw schema's fields. */
export interface MessageLayout {
  /** Field → dotted paths, for example `context.location.city`. The first path with a value wins. */
  fields: Record<string, string[]>;
  /** Fields that the schema requires and a message may omit: `parse` generates them. */
  made: string[];
}

export interface StreamDefinition {
  name: string;
  /** One line for people: what the events of this stream are. */
  description: string;
  /** The fields that identify an event. */
  id: string[];
  /** The Kafka message key, which decides the partition. Events with equal ids must have equal keys. */
  key(record: EventRecord): string;
  /** The field with the time at which the event happened; timestamp-millis, never null. */
  eventTime: string;
  /** The field with the time at which Windrow received the event, if the stream has one; timestamp-millis. */
  receivedTime?: string;
  /** The field with the time at which the event was sent, by the sender's clock, if the stream has one; timestamp-millis. */
  sentTime?: string;
  /**
   * Over HTTP, corrects the event time by the error of the sender's clock, and gives an event without a time that of its receipt.
   * A difference of more than `maxErrorMs` between `sentTime` and the time of receipt is no error of a clock: then the times
   * stay as they were sent. Only for streams with `sentTime`.
   */
  clock?: { maxErrorMs: number };
  /** How inputs write the times of these fields, where the usual forms are not enough. */
  times?: Readonly<Record<string, TimeForm>>;
  topics: {
    raw: Omit<TopicSpec, 'name'>;
    /** If present, the enricher writes accepted events to `<name>.enriched`. If absent, it only checks them. */
    enriched?: Omit<TopicSpec, 'name'>;
  };
  /**
   * Maps any input that producers post (SDK messages, plain records, exports without their table prefix) to values by the
   * raw schema's field names. `parseInput` then converts the values to the types of the schema.
   */
  parse(input: EventRecord, source: InputSource): EventRecord;
  /** Text fields that hold a JSON object. */
  jsonFields?: string[];
  /** Text fields that are stored in Unicode's normalization form C, so that equal texts have equal bytes. */
  nfcFields?: string[];
  rules: Rule[];
  /**
   * Field → what a value costs that the field's type can't hold, or that is beyond the bounds of every field of its kind. Default:
   * `null_out` for fields that may be null, else `reject`.
   */
  severities?: Readonly<Record<string, ValueSeverity>>;
  /**
   * Field → most bytes of its text in UTF-8. Fields in keys and indexes of Postgres have a bound without it, because an entry of an
   * index has one. `loadStreams` adds the rules for all bounds.
   */
  maxBytes?: Record<string, number>;
  /** How long the enricher remembers the id of an event, by the broker's time. Only for streams with `enriched`. */
  dedupe?: { horizonMs: number };
  /** The steps of an accepted event, in this order. Only for streams with `enriched`. */
  steps?: Step[];
  lake: { raw: string; curated?: string };
  curated?: CuratedMapping;
  http?: HttpRoute[];
  /** Default: messages over HTTP have the fields under their own names. */
  message?: MessageLayout;
  /** Top-level names of messages over HTTP that `parse` reads besides those of `message`. */
  otherFields?: string[];
}

export interface StreamContract extends Omit<StreamDefinition, 'topics'> {
  /** The raw topic's schema, from `schema.avsc`. */
  schema: AvroRecordSchema;
  topics: { raw: TopicSpec; enriched?: TopicSpec };
  /** The folder of the stream, with its migrations. */
  directory: string;
}

/** Checks the types of a contract where it is written. */
export function defineStream(definition: StreamDefinition): StreamDefinition {
  return definition;
}

/** The length of the tumbling windows of event time, which are aligned to the epoch in UTC. */
export const windowMs = 10 * 60_000;
