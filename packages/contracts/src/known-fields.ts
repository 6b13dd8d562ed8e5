import type { StreamContract } from './contract.ts';
import { namesOfEveryStream } from './quality.ts';

/** The top-level names of a message over HTTP that the stream takes. Values under other names are stored in `_extra`. */
export function knownFields({ schema, message, otherFields = [] }: StreamContract): Set<string> {
  const read = message
    ? Object.values(message.fields).flatMap((paths) => paths.map((path) => path.split('.', 1)[0] ?? path))
    : schema.fields.map(({ name }) => name).filter((name) => !namesOfEveryStream.has(name));
  return new Set([...read, ...otherFields]);
}
