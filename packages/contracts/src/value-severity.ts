import type { StreamContract } from './contract.ts';
import type { ValueSeverity } from './quality.ts';

/** What a wrong value of the field costs: as the contract says, else the value, if the field may be null and is no part of the id. */
export function severityOf(
  { schema, severities = {}, id }: Pick<StreamContract, 'schema' | 'severities' | 'id'>,
  name: string,
): ValueSeverity {
  const type = schema.fields.find((field) => field.name === name)?.type;
  return severities[name] ?? (isNullable(type) && !id.includes(name) ? 'null_out' : 'reject');
}

/** Values that can't be replaced by null, and rules without a field to replace or to note; by the entry of the contract. */
export function severityFaults(contract: StreamContract): [entry: string, fault: string][] {
  const { severities = {}, rules, schema, id } = contract;
  const replaceable = new Set(
    schema.fields.filter(({ name, type }) => isNullable(type) && !id.includes(name)).map(({ name }) => name),
  );
  const names = new Set(schema.fields.map(({ name }) => name));
  const faultOf = (name: string) =>
    `${name} can't be replaced by null: expected a field that may be null and is no part of the id`;
  const ofFields = Object.entries(severities).flatMap(([name, severity]): [string, string][] =>
    severity === 'null_out' && names.has(name) && !replaceable.has(name)
      ? [[`severities.${name}`, faultOf(name)]]
      : [],
  );
  const ofRules = rules.flatMap(
    ({ reason, severity = 'reject', reads: [field] = [] }, at): [string, string][] => {
      const entry = `rules[${at}] (${reason})`;
      if (severity === 'reject' || (field !== undefined && !names.has(field))) return [];
      if (field === undefined)
        return [[entry, `its severity is ${severity}, so \`reads\` must name a field`]];
      return severity === 'null_out' && !replaceable.has(field) ? [[entry, faultOf(field)]] : [];
    },
  );
  return [...ofFields, ...ofRules];
}

const isNullable = (type: unknown): boolean => Array.isArray(type) && type.includes('null');
