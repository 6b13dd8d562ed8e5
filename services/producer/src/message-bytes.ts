import type { HttpRoute } from '@windrow/contracts';
import {
  elementsOf,
  isArrayAt,
  isObjectAt,
  type Member,
  membersOf,
  type Span,
  wholeValue,
} from './json-members.ts';

/** The messages of a body as they were received, for dead letters. */
export interface MessageBytes {
  /** By the position of the message in the body, without write keys. */
  messages: Buffer[];
  /** The members of a batch that apply to its messages, as JSON. */
  batch: { sentAt?: string; context?: string };
}

/** @param body valid JSON that has messages for this form */
export function messageBytes(body: Buffer, form: HttpRoute['body']): MessageBytes {
  const whole = wholeValue(body);
  const isBatch = form === 'batch';
  // If a name is there twice, the last member counts.
  const members = new Map(isBatch ? membersOf(body, whole).map((member) => [member.name, member.value]) : []);
  const array = isBatch
    ? members.get('batch')
    : form === 'messages' && isArrayAt(body, whole)
      ? whole
      : undefined;
  const spans = array ? elementsOf(body, array) : [whole];
  const textOf = (name: string) => {
    const span = members.get(name);
    return span && { [name]: body.toString('utf8', span.start, span.end) };
  };
  return {
    messages: spans.map((span) => withoutWriteKey(body, span)),
    batch: { ...textOf('sentAt'), ...textOf('context') },
  };
}

/** The bytes of a message without its members `writeKey`: dead letters must not store keys. */
function withoutWriteKey(body: Buffer, message: Span): Buffer {
  const members = isObjectAt(body, message) ? membersOf(body, message) : [];
  const [first, last] = [members[0], members.at(-1)];
  if (!first || !last || !members.some(isWriteKey)) return body.subarray(message.start, message.end);
  const pieces = [body.subarray(message.start, first.start)];
  for (const [index, member] of members.entries()) {
    if (isWriteKey(member)) continue;
    // A member brings the comma before it, if another one stays before it.
    const separatorStart = members[index - 1]?.end ?? member.start;
    pieces.push(body.subarray(pieces.length > 1 ? separatorStart : member.start, member.end));
  }
  pieces.push(body.subarray(last.end, message.end));
  return Buffer.concat(pieces);
}

const isWriteKey = ({ name }: Member): boolean => name === 'writeKey';
