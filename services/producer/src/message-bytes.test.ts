import { messagesOf } from '@windrow/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageBytes } from './message-bytes.ts';

const bytesOf = (json: string, form: 'message' | 'messages' | 'batch') => {
  const { messages, batch } = messageBytes(Buffer.from(json), form);
  return { messages: messages.map(String), batch };
};

describe('the bytes of messages', () => {
  it('are those of the body, with their numbers, escapes and white space', () => {
    const own = '{ "a" : 1.10,\n"b":"\\u0041 ]}" ,"c":[1e400,{}]}';
    expect(bytesOf(` ${own}\n`, 'message').messages).toEqual([own]);
    expect(bytesOf(own, 'messages').messages).toEqual([own]);
    expect(bytesOf(`[ ${own},7 ,"x", null,[1 ] , ${own} ]`, 'messages').messages).toEqual([
      ...[own, '7', '"x"', 'null', '[1 ]', own],
    ]);
  });

  it('of a batch have what the batch adds beside them', () => {
    const json = `{"batch":[1],"context":{"v":1.0},"ba\\u0074ch" : [ {"a":1} , {"writeKey":"secret","b":2}],"sentAt":"2026"}`;
    expect(bytesOf(json, 'batch')).toEqual({
      messages: ['{"a":1}', '{"b":2}'],
      batch: { context: '{"v":1.0}', sentAt: '"2026"' },
    });
    expect(bytesOf('{"batch":[]}', 'batch')).toEqual({ messages: [], batch: {} });
  });

  it.each([
    ['{"writeKey":"secret"}', '{}'],
    ['{ "writeKey" : "secret" , "a":1 }', '{ "a":1 }'],
    ['{"a":1.0 , "writeKey":"secret" }', '{"a":1.0 }'],
    ['{"a":1, "write\\u004bey":{"secret":1},"b":2, "writeKey":"secret","c":3}', '{"a":1,"b":2,"c":3}'],
    ['{"writeKey":"secret","writeKey":"secret","a":"writeKey"}', '{"a":"writeKey"}'],
  ])('%s have no write key', (json, expected) => {
    expect(bytesOf(json, 'message').messages).toEqual([expected]);
  });

  it('are found for every message of a body', () => {
    const message = fc.oneof(fc.json(), fc.json({ maxDepth: 1 }));
    fc.assert(
      fc.property(fc.array(message), fc.constantFrom('', ' ', '\n'), (messages, gap) => {
        const array = `[${gap}${messages.join(`${gap},${gap}`)}${gap}]`;
        const batch = `{${gap}"x":[[],"]"],"batch"${gap}:${array}${gap}}`;
        expect(bytesOf(array, 'messages').messages).toEqual(messages);
        expect(bytesOf(batch, 'batch').messages).toEqual(messages);
        const taken = messagesOf({ path: '/', body: 'batch' }, JSON.parse(batch));
        expect(taken).toMatchObject({ messages: messages.map((json) => JSON.parse(json)) });
      }),
    );
  });
});
