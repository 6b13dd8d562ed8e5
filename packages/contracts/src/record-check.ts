import type { EventRecord } from './avro/avro-record.ts';
import type { StreamContract } from './contract.ts';
import { storedJsonProblem } from './json/json-column.ts';
import { isPlainJson } from './json/plain-json.ts';
import { namesOfEveryStream } from './quality.ts';
import { type Judgement, ruleCheck } from './rule-check.ts';
import { shownValue } from './values/shown-value.ts';

/** Null for a record that both stores can hold and that keeps all rules. Rules that null out change the record. */
export type RecordCheck = (record: EventRecord) => Judgement | null;

const checks = new WeakMap<StreamContract, RecordCheck>();

/**
 * Checks records of the raw topic, which any Kafka client may have written: their texts must be storable, JSON must be JSON, and
 * they must keep the contract's rules.
 */
export function recordCheck(contract: StreamContract): RecordCheck {
  let check = checks.get(contract);
  if (!check) {
    const brokenText = textCheck(contract);
    const keepsRules = ruleCheck(contract);
    check = (record) => brokenText(record) ?? keepsRules(record);
    checks.set(contract, check);
  }
  return check;
}

/** Generates code, because it runs for every event. */
function textCheck(contract: StreamContract): RecordCheck {
  const json = jsonFieldsOf(contract);
  const lines = contract.schema.fields
    .filter(({ type }) => isText(type))
    .map(({ name }) => {
      const field = JSON.stringify(name);
      const isBroken = json.has(name) ? '!isPlainJson(text)' : "text.includes('\\0')";
      return `text = record[${field}];
        if (typeof text === 'string' && ${isBroken}) {
          const broken = explain(${field}, text);
          if (broken !== null) return broken;
        }`;
    });
  const explain = (name: string, text: string) =>
    json.has(name) ? brokenJson(name, text) : withNul(name, text);
  const code = `let text; return (record) => { ${lines.join('\n')}\nreturn null; };`;
  return new Function('isPlainJson', 'explain', code)(isPlainJson, explain) as RecordCheck;
}

function withNul(name: string, text: string) {
  const message = `${name} is ${shownValue(text)}; expected a text without U+0000, which Postgres can't store`;
  return { ok: false as const, reason: `${name}_invalid`, message };
}

function brokenJson(name: string, text: string): ReturnType<RecordCheck> {
  const broken = storedJsonProblem(text);
  if (broken === null) return null;
  return {
    ok: false,
    reason: `${name}_${broken.reason}`,
    message: `${name} is ${shownValue(text)}; expected JSON; it ${broken.problem}`,
  };
}

/** The text fields that hold JSON: those that the contract names, and those of jsonb columns. */
function jsonFieldsOf({ jsonFields = [], curated }: StreamContract): Set<string> {
  const ofColumns = curated?.columns.filter(({ type }) => type === 'jsonb').map(({ field }) => field) ?? [];
  return new Set([...jsonFields, ...ofColumns, ...namesOfEveryStream]);
}

const isText = (type: unknown): boolean => (Array.isArray(type) ? type.some(isText) : type === 'string');
