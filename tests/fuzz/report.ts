import { count } from '../../packages/cli/src/tables.ts';
import type { FuzzResult } from './fuzz.ts';

/** Formats the result. */
export function report(seed: number, { http, records, memory, findings }: FuzzResult): string {
  const statuses = [...http.statuses].sort(([a], [b]) => a - b);
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  return [
    `requests: ${count(http.requests)} (${statuses.map(([status, times]) => `${status}: ${count(times)}`).join(', ')})`,
    `  messages accepted: ${count(http.accepted)}, dead-lettered: ${count(http.deadLettered)}; requests rejected: ${count(http.rejected)}`,
    `records straight to Kafka: ${count(records)}`,
    ...memory.map(
      ({ service, firstBytes, secondBytes }) =>
        `${service}: peak ${mebibytes(firstBytes)} in the first half, ${mebibytes(secondBytes)} in the second`,
    ),
    ...findings,
    `seed ${seed}: ${findings.length === 0 ? 'everything is accounted for' : 'FAILED'}`,
  ].join('\n');
}
