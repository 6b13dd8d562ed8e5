import { NumberText } from '../json/number-text.ts';

/**
 * Text that both stores hold: without U+0000, for which Postgres has no place, and without half of a surrogate pair, which UTF-8
 * can't express. Both are replaced by U+FFFD, the replacement character, as Unicode recommends.
 */
export function isStorableText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

export function storableText(text: string): string {
  return isStorableText(text) ? text : text.toWellFormed().replaceAll('\0', '\ufffd');
}

const broken = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Like {@link storableText}, for texts that must stay different: U+FFFD is followed by the replaced character's code. */
export function storableId(text: string): string {
  if (isStorableText(text)) return text;
  return text.replace(broken, (unit) => `\ufffd${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value with storable texts and names of members. Returns the value itself if all of them are storable already. */
export function storableValue(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null || value instanceof NumberText) return value;
  if (Array.isArray(value)) {
    const items = value.map(storableValue);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  const members = Object.entries(value);
  let isChanged = false;
  const names = new Set(members.map(([name]) => name));
  const storable = members.map(([name, member]): [string, unknown] => {
    const kept = storableValue(member);
    if (kept !== member) isChanged = true;
    if (isStorableText(name)) return [name, kept];
    isChanged = true;
    const replaced = storableText(name);
    // Another member may have this name, and none may be lost.
    const free = names.has(replaced) ? storableId(name) : replaced;
    names.add(free);
    return [free, kept];
  });
  return isChanged ? Object.fromEntries(storable) : value;
}
