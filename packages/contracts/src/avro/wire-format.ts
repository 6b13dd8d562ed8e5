/**
 * The registry's wire format: a zero byte, the schema's id in four bytes big-endian, the Avro binary
 * (https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format).
 */
export const wireHeaderBytes = 5;

/** The schema id at the start of a value; null if the value is not in the registry's wire format. */
export function schemaIdOf(value: Buffer | null): number | null {
  return value === null || value.length < wireHeaderBytes || value[0] !== 0 ? null : value.readInt32BE(1);
}

/**
 * Headers in which serializers put the schema's id or GUID, so that the value is bare Avro: of Confluent's
 * HeaderSchemaIdSerializer, of Apicurio and of Cloudera. A value may look as if it had an id all the same.
 */
export const schemaIdHeaders: readonly string[] = [
  '__value_schema_id',
  'apicurio.value.globalId',
  'apicurio.value.contentId',
  'value.schema.version.id',
];

const waysOut: Readonly<Record<string, string>> = {
  __value_schema_id:
    'set value.schema.id.serializer to io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer (confluent-kafka for Python: schema.id.serializer to prefix_schema_id_serializer)',
  'apicurio.value.globalId': 'set apicurio.registry.headers.enabled to false, with ids of four bytes',
  'apicurio.value.contentId': 'set apicurio.registry.headers.enabled to false, with ids of four bytes',
};

/** Why a record's value can't be decoded, for people; null if no header has the schema's id. */
export function schemaIdInHeader(headers: Readonly<Record<string, string>>): string | null {
  for (const name of schemaIdHeaders) {
    if (headers[name] === undefined) continue;
    const way = waysOut[name] ?? 'configure the serializer to write the id into the value';
    return `the id of the schema is in the header ${name}; Windrow reads it from the value only (0x00, the id in four bytes, the Avro data): ${way}`;
  }
  return null;
}

/** What is known of a value that is not in the wire format, for people. */
export function otherFraming(value: Buffer): string {
  const start = value.subarray(0, wireHeaderBytes);
  if (start[0] === 1 && value.length > 16)
    return '; 0x01 begins a schema GUID, which Windrow does not read: use PrefixSchemaIdSerializer';
  if (start[0] === 3 && value.length > 17)
    return "; 0x03 begins the framing of AWS Glue's serializer, which Windrow does not read: use Confluent's serializer";
  if (start.toString('latin1', 0, 4) === 'Obj\x01')
    return '; it is an Avro container file: send each record by itself';
  if (start[0] === 0xc3 && start[1] === 1)
    return "; it is Avro's single-object encoding: use Confluent's serializer";
  if (start[0] === 0x7b || start[0] === 0x5b) return '; it looks like JSON: send it over HTTP, or encode it';
  return '';
}

/** Serializers of Apicurio write ids of eight bytes by default, of which the first four are zero. */
export function otherIdSize(schemaId: number): string {
  return schemaId === 0
    ? "; an id of eight bytes, as Apicurio's serializer writes it by default, begins with four zero bytes: set its id handler to that of four bytes"
    : '; the producer must use the registry that Windrow uses';
}
