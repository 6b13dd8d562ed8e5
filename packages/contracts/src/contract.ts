import type { AvroRecordSchema, EventRecord } from './avro-record.ts';
import type { Step } from './step.ts';

/**
 * What a stream is made of. A stream is a folder under `streams/`: `schema.avsc`, `contract.ts` (a default export made
 * with {@link defineStream}) and, where it has curated tables, `migrations/*.sql`. Services read contracts; none of
 * them names a stream, so a new folder is all that a new stream needs.
 */

export interface TopicSpec {
  name: string;
  /**
   * `compact` keeps the newest record of each key; `delete` keeps all of them for `retentionMs`; with both, the newest of
   * each key is kept so long.
   */
  cleanup: 'delete' | 'compact' | 'compact,delete';
  /** −1: for ever. */
  retentionMs: number;
  /** For a compacted topic that changes fast and is read whole: older records are compacted at the latest after this time. */
  compactWithinMs?: number;
  /** A fixed number of partitions; without it, the configured one (KAFKA_PARTITIONS). */
  partitions?: number;
}

/** Where an input came from; decides whose clock is believed. */
export type InputSource =
  | { kind: 'file' }
  /** `receivedAtMs`: when the HTTP server had the whole request. */
  | { kind: 'http'; receivedAtMs: number };

/** What `parse` makes of one input. `reason` is a short stable code, `message` is for people. */
export type ParseResult = { ok: true; record: EventRecord } | { ok: false; reason: string; message: string };

/** What a rule demands, as data, where a description can say it. */
export type Constraint =
  /** `when`: only where that field has that value. */
  | { kind: 'required'; field: string; when?: { field: string; is: string } }
  | { kind: 'anyOf'; fields: string[] }
  | { kind: 'between'; field: string; low: number; high: number }
  | { kind: 'oneOf'; field: string; values: readonly string[] };

/** A quality rule: null when the record keeps it, else what is wrong with it, for people. */
export interface Rule {
  /** Short stable code; becomes the dead letter's `reason`. */
  reason: string;
  /** The fields of the raw schema that `check` reads; a rule of your own may leave it out. */
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
  | 'jsonb';

/** Sums by group over rows that are new in `table`; added to the aggregate's rows in the same transaction. */
export interface CuratedAggregate {
  table: string;
  /** Aggregate column → SQL expression over columns of the mapping; together the aggregate's primary key. */
  groupBy: Record<string, string>;
  /** Aggregate column → SQL aggregate expression; must be additive (count, sum). */
  sums: Record<string, string>;
  /**
   * The rows of a group lie within one interval of this length of the time by whose day the table is partitioned, aligned to the epoch:
   * a replay then sums no others. Without it, it reads the whole table.
   */
  spanMs?: number;
}

/** How a stream lands in Postgres; its tables are made by `migrations/*.sql` of the stream's folder. */
export interface CuratedMapping {
  table: string;
  /** Table column → field of the (enriched) record and its type. */
  columns: { name: string; field: string; type: PostgresType }[];
  /** The table's primary key. */
  key: string[];
  /** `ignore`: the first one of a key stays. `replace`: the last one wins, so corrections replace. */
  onConflict: 'ignore' | 'replace';
  /** The timestamptz column by whose UTC day the table is partitioned; the sink makes missing partitions. */
  partitionByDay?: string;
  /** Only with `onConflict: 'ignore'`: sums of rows that were replaced could not be taken back. */
  aggregates?: CuratedAggregate[];
}

/** A path of the HTTP server, for `POST`. */
export interface HttpRoute {
  path: string;
  /** One line for people: what is posted here. */
  summary?: string;
  /**
   * What the body is: one `message`; `messages`, one or an array of them; or a `batch`, an object with an array `batch`,
   * whose `sentAt` and `context` hold for each message.
   */
  body: 'message' | 'messages' | 'batch';
  /** What the path itself says, over what a message says; by the names in a message. */
  sets?: Record<string, string>;
}

/** Where messages over HTTP have the values of the raw schema's fields. */
export interface MessageLayout {
  /** Field → dotted paths, as `context.location.city`; the first that has a value answers. */
  fields: Record<string, string[]>;
  /** Fields that a message need not have although the schema does: they are made then. */
  made: string[];
}

export interface StreamDefinition {
  name: string;
  /** One line for people: what an event of this stream is. */
  description: string;
  /** The fields that together tell one event from all others. */
  id: string[];
  /** The Kafka message key, which decides the partition: events with equal ids must have equal keys. */
  key(record: EventRecord): string;
  /** The field with the time at which it happened; timestamp-millis, never null. */
  eventTime: string;
  /** The field with the time at which Windrow had it, where the stream has one; timestamp-millis. */
  receivedTime?: string;
  /** The field with the time at which it was sent, by the sender's clock, where the stream has one; timestamp-millis. */
  sentTime?: string;
  topics: {
    raw: Omit<TopicSpec, 'name'>;
    /** Present: the enricher writes events that pass to `<name>.enriched`. Absent: it only checks them. */
    enriched?: Omit<TopicSpec, 'name'>;
  };
  /**
   * Any input form that producers post (SDK messages, plain records, exports without their table prefix) → values by the
   * raw schema's field names, as they come: `parseInput` gives them the schema's types, times and JSON texts included.
   */
  parse(input: EventRecord, source: InputSource): EventRecord;
  /** Text fields that hold a JSON object. */
  jsonFields?: string[];
  rules: Rule[];
  /** How long an event's id is remembered, by the broker's time of its record. Only for streams with `enriched`. */
  dedupe?: { horizonMs: number };
  /** The steps of an accepted event, in this order. Only for streams with `enriched`. */
  steps?: Step[];
  lake: { raw: string; curated?: string };
  curated?: CuratedMapping;
  http?: HttpRoute[];
  /** Without it, messages over HTTP have the fields by their own names. */
  message?: MessageLayout;
  /** Top-level fields of messages over HTTP that are known beside those that are read by {@link message} or their names. */
  otherFields?: string[];
}

export interface StreamContract extends Omit<StreamDefinition, 'topics'> {
  /** The raw topic's schema, from `schema.avsc`. */
  schema: AvroRecordSchema;
  topics: { raw: TopicSpec; enriched?: TopicSpec };
  /** The folder, for its migrations. */
  directory: string;
}

/** Keeps a contract's types checked where it is written. */
export function defineStream(definition: StreamDefinition): StreamDefinition {
  return definition;
}

/** Event time is cut into tumbling windows of this length, aligned to the epoch, UTC. */
export const windowMs = 10 * 60_000;
