import { code, page, table } from './page.ts';

interface Schema {
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
}

interface Operation {
  summary?: string;
  tags?: string[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; headers?: Record<string, Schema> }>;
}

/** The producer's OpenAPI document, as far as the page reads it. */
export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export function httpPage({ paths, components }: ApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const calls = table(
    ['call', 'stream', 'meaning'],
    operations.map(({ path, method, operation }) => [
      code(`${method} ${path}`),
      operation.tags?.join(', ') ?? '',
      operation.summary ?? '',
    ]),
  );
  const posts = operations.filter(({ operation }) => operation.requestBody);
  const answers = new Map(
    posts.flatMap(({ operation }) =>
      Object.entries(operation.responses).map(([status, { description, headers }]) => [
        status,
        [description, ...Object.keys(headers ?? {}).map((name) => `header \`${name}\``)].join('; '),
      ]),
    ),
  );
  const bodies = ['/v1/track', '/v1/batch', '/v1/weather'].map((path) => {
    const operation = posts.find((post) => post.path === path)?.operation;
    return `### ${path}\n\n${fieldTable(operation?.requestBody?.content['application/json']?.schema ?? {})}`;
  });
  return page(
    'HTTP',
    'The producer’s API. It is the same as the OpenAPI 3.1 document that a producer serves at `/docs/openapi.json`, and shows ' +
      'at `/docs`. The admin port of each service serves `/live`, `/ready` and `/metrics`.',
    [
      `## Calls\n\n${calls}`,
      `## Answers\n\n${table(['status', 'meaning'], [...answers])}`,
      `A status other than 200 has a body of this form:\n\n${fieldTable(components.schemas.Failure ?? {})}`,
      `## Bodies\n\nThe bodies of the other calls of a single message are those of \`/v1/track\`; \`/v1/import\` and \`/v1/b\` ` +
        'take the bodies of `/v1/batch`.',
      ...bodies,
    ],
  );
}

const fieldTable = (schema: Schema) =>
  table(
    ['field', 'type', 'meaning'],
    fieldsOf(schema, '').map(([name, { description, anyOf, ...own }]) => {
      // Of a value that may be replaced by null, the values that are stored.
      const { type, enum: values } = { ...own, ...anyOf?.find((each) => each.type !== undefined) };
      return [
        code(name),
        [type ?? '']
          .flat()
          .filter((each) => each !== 'null')
          .join(', '),
        [
          description,
          values &&
            `one of ${values
              .filter(Boolean)
              .map((value) => code(String(value)))
              .join(', ')}`,
        ]
          .filter(Boolean)
          .join('; '),
      ];
    }),
  );

/** All fields below a schema, by their paths; those of an alternative are the first object's. */
function fieldsOf(schema: Schema, prefix: string): [string, Schema][] {
  const object = schema.anyOf?.find((each) => each.properties) ?? schema;
  return Object.entries(object.properties ?? {}).flatMap(([name, field]): [string, Schema][] => {
    const path = `${prefix}${name}`;
    if (field.items?.properties) return [[`${path}[]`, field], ...fieldsOf(field.items, `${path}[].`)];
    if (field.properties) return fieldsOf(field, `${path}.`);
    return [[path, field]];
  });
}
