import type { StreamContract } from './contract.ts';

/** The top-level names that a message over HTTP may have. Another name causes an ingestion warning of the source. */
export function knownFields({ schema, message, otherFields = [] }: StreamContract): Set<string> {
  const read = message
    ? Object.values(message.fields).flatMap((paths) => paths.map((path) => path.split('.', 1)[0] ?? path))
    : schema.fields.map(({ name }) => name);
  return new Set([...read, ...otherFields]);
}
