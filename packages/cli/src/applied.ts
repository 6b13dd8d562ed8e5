import type { AppliedInstallation } from '@windrow/operations';

/** What was done, in a line for each kind of thing. */
export function describeApplied({ topics, subjects, migrations }: AppliedInstallation): string[] {
  const made = (things: string[]) => (things.length > 0 ? things.join(', ') : 'nothing new');
  return [
    `topics: ${made(topics.created)} (${topics.existing.length} were there)`,
    `subjects: ${Object.keys(subjects).length} registered, BACKWARD`,
    `migrations: ${made(migrations)}`,
  ];
}
