interface Nested {
  type: 'array' | 'map' | 'struct';
  elementType: unknown;
  keyType: unknown;
  valueType: unknown;
  fields: readonly { name: string; type: unknown }[];
}

/** A type of a Delta schema, as Spark shows it: `map<string,array<long>>`. Types that are none of the protocol's are JSON. */
export function typeText(type: unknown): string {
  if (typeof type === 'string') return type;
  const nested = type as Nested;
  switch (nested.type) {
    case 'array':
      return `array<${typeText(nested.elementType)}>`;
    case 'map':
      return `map<${typeText(nested.keyType)},${typeText(nested.valueType)}>`;
    case 'struct':
      return `struct<${nested.fields.map((field) => `${field.name}:${typeText(field.type)}`).join(',')}>`;
    default:
      return JSON.stringify(type);
  }
}
