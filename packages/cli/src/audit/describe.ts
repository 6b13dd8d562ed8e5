import type { Audit, PartitionLine } from '@windrow/operations';
import Table from 'cli-table3';
import { count, plainTable, size } from '../tables.ts';

const partitionHead = [
  'input',
  'partition',
  'consumed',
  'accepted',
  'duplicates',
  'deletions',
  'dropped',
  'dead letters',
  'lake raw',
  'lake curated',
  'Postgres',
  '',
];

/** The audit as tables for people, then every finding, then the verdict. */
export function describeAudit(audit: Audit): string {
  const partitions = new Table(plainTable(partitionHead, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
  for (const line of audit.partitions) partitions.push(cellsOf(line));
  const tables = new Table(plainTable(['table', 'landed', 'rows', 'files', 'size', ''], [1, 2, 3, 4]));
  for (const { table, landed, rows, files, bytes, verdict } of audit.tables) {
    tables.push([
      table,
      count(landed),
      shown(rows),
      shown(files),
      bytes === null ? '' : size(bytes),
      verdict,
    ]);
  }
  const findings = audit.findings.map(
    ({ line, verdict, check, message }) => `${verdict}: ${line}, ${check}: ${message}`,
  );
  return [partitions.toString(), '', tables.toString(), '', ...findings, verdictOf(audit)].join('\n');
}

/** One sentence. */
export function verdictOf({ addsUp, findings, partitions }: Audit): string {
  if (addsUp) {
    const consumed = partitions.reduce((total, line) => total + line.consumed, 0);
    return `it adds up: ${count(consumed)} events in ${partitions.length} partitions`;
  }
  const wrong = findings.filter(({ verdict }) => verdict === 'wrong');
  const lines = (of: typeof findings) => [...new Set(of.map(({ line }) => line))].join(', ');
  if (wrong.length > 0) return `it does not add up: ${lines(wrong)}`;
  return `not everything has landed yet: ${lines(findings)}; run windrow wait, then audit again`;
}

function cellsOf(line: PartitionLine): string[] {
  return [
    line.topic,
    String(line.partition),
    ...[line.consumed, line.accepted, line.duplicates, line.deletions].map(count),
    count(Object.values(line.dropped).reduce((total, dropped) => total + dropped, 0)),
    ...[line.deadLettered, line.lakeRaw].map(count),
    shown(line.lakeCurated),
    shown(line.postgres),
    line.verdict,
  ];
}

function shown(value: number | null): string {
  return value === null ? '' : count(value);
}
