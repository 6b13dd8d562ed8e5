import type { HttpRoute } from './contract.ts';
import { hasValue } from './input.ts';
import { epochMs } from './time.ts';

/** The messages of a body, as inputs for `parse`, or why it has none. */
export type BodyMessages =
  | { ok: true; messages: unknown[] }
  | { ok: false; reason: 'not_a_batch'; message: string };

type JsonObject = Record<string, unknown>;

/** Takes the body of a request apart, as {@link HttpRoute} says it is made. Throws nothing. */
export function messagesOf({ body, sets }: HttpRoute, value: unknown): BodyMessages {
  if (body === 'batch') return batched(value);
  const messages = body === 'messages' && Array.isArray(value) ? value : [value];
  return {
    ok: true,
    messages: sets
      ? messages.map((message) => (isObject(message) ? { ...message, ...sets } : message))
      : messages,
  };
}

/** `sentAt` beside the messages is that of each one without its own; `context` is merged with theirs, which wins. */
function batched(value: unknown): BodyMessages {
  if (!isObject(value) || !Array.isArray(value.batch))
    return noBatch('a batch is an object with an array `batch`');
  const { batch, sentAt, context } = value;
  if (hasValue(sentAt) && epochMs(sentAt) === undefined)
    return noBatch('the `sentAt` of the batch is no time');
  if (hasValue(context) && !isObject(context)) return noBatch('the `context` of the batch is no object');
  if (!hasValue(sentAt) && !hasValue(context)) return { ok: true, messages: batch };
  return {
    ok: true,
    messages: batch.map((message: unknown) => {
      if (!isObject(message)) return message;
      const merged: JsonObject = { ...message };
      if (!hasValue(message.sentAt)) merged.sentAt = sentAt;
      if (isObject(context))
        merged.context = isObject(message.context)
          ? { ...context, ...message.context }
          : (message.context ?? context);
      return merged;
    }),
  };
}

function noBatch(message: string): BodyMessages {
  return { ok: false, reason: 'not_a_batch', message };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
