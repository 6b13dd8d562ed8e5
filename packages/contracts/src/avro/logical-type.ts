/** A logical type of Avro (https://avro.apache.org/docs/1.12.0/specification/#logical-types). */
export interface LogicalType {
  name: string;
  /** Of a decimal. */
  precision?: number;
  scale?: number;
}

/** The types that each logical type annotates. By the specification, on another type it has no meaning. */
const annotated: Readonly<Record<string, readonly string[]>> = {
  date: ['int'],
  decimal: ['bytes', 'fixed'],
  duration: ['fixed'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-nanos': ['long'],
  'time-micros': ['long'],
  'time-millis': ['int'],
  'timestamp-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-nanos': ['long'],
  uuid: ['string', 'fixed'],
};

const fixedSizes: Readonly<Record<string, number>> = { duration: 12, uuid: 16 };

/** Debezium's names of its own types, which it writes instead of logical types. */
const debezium: Readonly<Record<string, string>> = {
  'io.debezium.time.Date': 'date',
  'io.debezium.time.MicroTime': 'time-micros',
  'io.debezium.time.MicroTimestamp': 'timestamp-micros',
  'io.debezium.time.NanoTimestamp': 'timestamp-nanos',
  'io.debezium.time.Time': 'time-millis',
  'io.debezium.time.Timestamp': 'timestamp-millis',
};

/**
 * The logical type of a schema object; undefined if it has none, or one that is invalid there, which the specification says
 * to ignore. Names that the specification doesn't know are kept.
 */
export function logicalTypeIn(schema: Readonly<Record<string, unknown>>): LogicalType | undefined {
  const { type } = schema;
  const name = schema.logicalType ?? debezium[String(schema['connect.name'])];
  if (typeof name !== 'string' || typeof type !== 'string') return undefined;
  const types = annotated[name];
  if (types === undefined) return { name };
  if (!types.includes(type)) return undefined;
  if (type === 'fixed' && fixedSizes[name] !== undefined && fixedSizes[name] !== schema.size)
    return undefined;
  return name === 'decimal' ? decimalIn(schema) : { name };
}

function decimalIn({ type, size, precision, scale = 0 }: Readonly<Record<string, unknown>>) {
  if (!isWhole(precision) || !isWhole(scale) || precision < 1 || scale > precision) return undefined;
  if (type === 'fixed' && precision > Math.floor(Math.log10(2) * (8 * Number(size) - 1))) return undefined;
  return { name: 'decimal', precision, scale };
}

const isWhole = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

/** For people: `decimal(10, 2)`, `timestamp-micros`. */
export function shownLogicalType({ name, precision, scale }: LogicalType): string {
  return precision === undefined ? name : `${name}(${precision}, ${scale ?? 0})`;
}
