import type { StreamContract } from './contract.ts';

/** The names that a message over HTTP may have at its top; another one is told to whoever runs the source. */
export function knownFields({ schema, message, otherFields = [] }: StreamContract): Set<string> {
  const read = message
    ? Object.values(message.fields).flatMap((paths) => paths.map((path) => path.split('.', 1)[0] ?? path))
    : schema.fields.map(({ name }) => name);
  return new Set([...read, ...otherFields]);
}
