import type { HttpRoute } from './contract.ts';
import { hasValue } from './input.ts';
import { isEmptyArray, isJsonObject } from './json/json-column.ts';

/** The messages of a body, as inputs for `parse`, or the reason why there are none. */
export type BodyMessages =
  | { ok: true; messages: unknown[] }
  | { ok: false; reason: 'not_a_batch'; message: string };

type JsonObject = Record<string, unknown>;

/** Splits the body of a request into messages, as its {@link HttpRoute} defines. Throws nothing. */
export function messagesOf({ body, sets }: HttpRoute, value: unknown): BodyMessages {
  if (body === 'batch') return batched(value);
  const messages = body === 'messages' && Array.isArray(value) ? value : [value];
  return {
    ok: true,
    messages: sets
      ? messages.map((message) => (isJsonObject(message) ? { ...message, ...sets } : message))
      : messages,
  };
}

/** The batch's `sentAt` applies to messages without their own. Its `context` is merged with theirs, which wins. */
function batched(value: unknown): BodyMessages {
  if (!isJsonObject(value) || !Array.isArray(value.batch))
    return noBatch('the body is not a batch; expected an object with an array `batch`');
  const { batch, sentAt, context } = value;
  if (hasValue(context) && !isJsonObject(context) && !isEmptyArray(context))
    return noBatch('the `context` of the batch is not an object');
  if (!hasValue(sentAt) && !hasValue(context)) return { ok: true, messages: batch };
  return {
    ok: true,
    messages: batch.map((message: unknown) => {
      if (!isJsonObject(message)) return message;
      const merged: JsonObject = { ...message };
      if (!hasValue(message.sentAt)) merged.sentAt = sentAt;
      if (isJsonObject(context)) {
        const own = isEmptyArray(message.context) ? {} : message.context;
        merged.context = isJsonObject(own) ? { ...context, ...own } : (own ?? context);
      }
      return merged;
    }),
  };
}

function noBatch(message: string): BodyMessages {
  return { ok: false, reason: 'not_a_batch', message };
}
