import { contentId } from '@windrow/contracts';

/** Ids in the form of UUIDs: all but the end is made of what they belong to, the end counts. */
export function idsOf(what: string, of: unknown): (number: number) => string {
  const prefix = contentId(what, of).slice(0, 24);
  return (number) => prefix + number.toString(16).padStart(12, '0');
}
