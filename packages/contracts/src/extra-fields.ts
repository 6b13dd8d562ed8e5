import type { EventRecord } from './avro/avro-record.ts';
import type { StreamContract } from './contract.ts';
import { numberProblem, unstorableNumber } from './json/json-column.ts';
import { jsonText } from './json/json-text.ts';
import { knownFields } from './known-fields.ts';
import { extraField } from './quality.ts';
import { storableValue } from './values/storable-text.ts';

const known = new WeakMap<StreamContract, Set<string>>();
const none: string[] = [];

/** The top-level names with values in a message over HTTP that no field of the stream takes. Nearly always the same empty list. */
export function unreadByHttp(contract: StreamContract, message: EventRecord): readonly string[] {
  let names = known.get(contract);
  if (!names) {
    names = knownFields(contract);
    known.set(contract, names);
  }
  let unread: string[] = none;
  for (const name in message) {
    if (names.has(name)) continue;
    const value = message[name];
    if (value === null || value === undefined || value === '') continue;
    if (unread === none) unread = [name];
    else unread.push(name);
  }
  return unread;
}

/** The text of `_extra`, or the rejection because Postgres can't hold a number in it. */
export function extraText(
  input: EventRecord,
  names: readonly string[],
  hasNumberTexts: boolean,
): { ok: true; text: string; isReplaced: boolean } | { ok: false; reason: string; message: string } {
  const extra = Object.fromEntries(names.map((name) => [name, input[name]]));
  const number = hasNumberTexts ? unstorableNumber(extra) : undefined;
  if (number) return { ok: false, reason: `${extraField}_out_of_range`, message: numberProblem(number) };
  const storable = storableValue(extra);
  return { ok: true, text: jsonText(storable) ?? '{}', isReplaced: storable !== extra };
}
