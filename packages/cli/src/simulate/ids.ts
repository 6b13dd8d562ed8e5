import { contentId } from '@windrow/contracts';

/** Ids in the form of UUIDs: a prefix derived from `what` and `of`, followed by the number. */
export function idsOf(what: string, of: unknown): (number: number) => string {
  const prefix = contentId(what, of).slice(0, 24);
  return (number) => prefix + number.toString(16).padStart(12, '0');
}
