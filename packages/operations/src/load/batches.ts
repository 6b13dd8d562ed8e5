import { type HttpRoute, isJsonObject, messagesOf, type StreamContract } from '@windrow/contracts';
import type { Item } from './read/item.ts';
import { PathElements } from './read/path-elements.ts';

const batchPath = [{ name: 'batch' }, 'each'] as const;

/** The route of the stream that takes batches, if it has one: then a file may hold bodies of its requests. */
export function batchRouteOf({ http = [], schema }: StreamContract): HttpRoute | undefined {
  if (schema.fields.some(({ name }) => name === 'batch')) return undefined;
  return http.find(({ body }) => body === 'batch');
}

/** The messages of a saved batch, as the HTTP route takes them; other items as they are. */
export function messagesIn(item: Item, route: HttpRoute | undefined): Item[] {
  if (!route || !item.ok || !isBatch(item.value)) return [item];
  const { value, text, line, traits } = item;
  const taken = messagesOf(route, value);
  if (!taken.ok) return [{ ok: false, line, text, reason: taken.reason, message: taken.message }];
  const elements = new PathElements(batchPath);
  const found = [...elements.push(text), ...elements.end()];
  return taken.messages.map((message, at) => {
    const own = found[at];
    return {
      ok: true,
      value: message,
      line: line + (own?.line ?? 1) - 1,
      text: own?.text ?? text,
      ...(traits && { traits }),
    };
  });
}

function isBatch(value: unknown): boolean {
  return isJsonObject(value) && Array.isArray(value.batch);
}
