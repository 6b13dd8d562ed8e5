import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { typeMatrix } from '@windrow/lake/testing';
import type { Draw } from '../chaos/draw.ts';

interface DrawnType {
  /** Avro */
  schema: unknown;
  postgres: string;
}

export const randomStreamPrefix = 'random_';

/** Adds streams with random schemas to a clone of the repository, as folders that people might write. */
export function addRandomStreams(clone: string, count: number, draw: Draw): void {
  for (let number = 0; number < count; number++) {
    const name = `${randomStreamPrefix}${number}`;
    const types = new TypeDraw(draw);
    const fields = Array.from({ length: draw.between(4, 9) }, (_, at) => {
      const { schema, postgres } = types.one();
      const isNullable = draw.chance(0.6);
      const type = isNullable ? ['null', schema] : schema;
      return { name: `f${at}`, type, postgres, ...(isNullable && { default: null }) };
    });
    const folder = join(clone, 'packages/contracts/streams', name);
    mkdirSync(join(folder, 'migrations'), { recursive: true });
    const schema = {
      ...{ type: 'record', name: 'Random', namespace: `windrow.${name}` },
      fields: [
        { name: 'id', type: 'string' },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
        ...fields.map(({ postgres: _, ...field }) => field),
      ],
    };
    writeFileSync(join(folder, 'schema.avsc'), JSON.stringify(schema, null, 2));
    const columns = [
      { name: 'id', type: 'text' },
      { name: 'at', type: 'timestamptz' },
      ...fields.map(({ name, postgres }) => ({ name, type: postgres })),
    ];
    writeFileSync(join(folder, 'contract.ts'), contractOf(name, columns));
    const declared = columns.map((column) => `"${column.name}" ${column.type}`).join(', ');
    writeFileSync(
      join(folder, 'migrations/001_table.sql'),
      `CREATE TABLE curated.${name} (${declared}, PRIMARY KEY (id));`,
    );
  }
}

function contractOf(name: string, columns: { name: string; type: string }[]): string {
  const mapped = columns.map((column) => JSON.stringify({ ...column, field: column.name }));
  return `
    import { defineStream } from '../../src/contract.ts';

    const retained = { cleanup: 'delete', retentionMs: 86_400_000 } as const;

    export default defineStream({
      name: '${name}',
      description: 'A stream with a random schema',
      id: ['id'],
      key: (record) => String(record.id),
      eventTime: 'at',
      topics: { raw: retained, enriched: retained },
      parse: (input) => input,
      rules: [],
      dedupe: { horizonMs: 86_400_000 },
      steps: [],
      lake: { raw: 'raw/${name}', curated: 'curated/${name}' },
      curated: {
        table: 'curated.${name}',
        columns: [${mapped.join(', ')}],
        key: ['id'],
        onConflict: 'ignore',
      },
    });`;
}

/** Draws types of the fields of one schema, in which each named type has a name of its own. */
class TypeDraw {
  readonly #draw: Draw;
  #names = 0;

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  one(depth = 3): DrawnType {
    const draw = this.#draw;
    if (depth === 0 || draw.chance(0.7)) return this.#scalar();
    return { schema: this.#nested(depth - 1), postgres: 'jsonb' };
  }

  #scalar(): DrawnType {
    const { schema, postgres } = this.#draw.one(scalars);
    return { schema: this.#named(schema), postgres: postgres[0] ?? '' };
  }

  #nested(depth: number): unknown {
    const inner = () => {
      const { schema } = this.one(depth);
      return this.#draw.chance(0.4) ? ['null', schema] : schema;
    };
    switch (this.#draw.between(0, 2)) {
      case 0:
        return { type: 'array', items: inner() };
      case 1:
        return { type: 'map', values: inner() };
      default: {
        const fields = Array.from({ length: this.#draw.between(1, 3) }, (_, at) => ({
          name: `n${at}`,
          type: inner(),
        }));
        return this.#named({ type: 'record', name: 'R', fields });
      }
    }
  }

  #named(schema: unknown): unknown {
    if (typeof schema !== 'object' || schema === null || !('name' in schema)) return schema;
    return { ...schema, name: `${schema.name}${this.#names++}` };
  }
}

const nested = new Set(['array', 'map', 'record']);

const scalars = typeMatrix.filter(
  ({ schema }) => typeof schema !== 'object' || !nested.has(String((schema as { type?: unknown }).type)),
);
