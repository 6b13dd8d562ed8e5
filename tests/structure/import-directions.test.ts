import { expect, test } from 'vitest';
import {
  allFiles,
  importsOf,
  productionFiles,
  type SourceFile,
  target,
  testFolders,
  workspaces,
} from './sources.ts';

/**
 * The arrows of docs/DESIGN.md: which workspaces a workspace may import. What is imported may be imported through several
 * arrows; so whoever may import pipeline may import contracts and runtime, too.
 */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'packages/runtime': [],
  'packages/contracts': ['packages/runtime'],
  'packages/pipeline': ['packages/contracts'],
  'packages/enrichment': ['packages/pipeline'],
  'packages/lake': ['packages/contracts'],
  'packages/postgres': ['packages/contracts'],
  'packages/sink': ['packages/pipeline'],
  'packages/operations': ['packages/enrichment', 'packages/pipeline', 'packages/lake', 'packages/postgres'],
  'packages/stack': ['packages/pipeline'],
  'packages/cli': ['packages/operations', 'packages/stack'],
  'services/enricher': ['packages/enrichment'],
  'services/lake-sink': ['packages/sink', 'packages/lake'],
  'services/postgres-sink': ['packages/sink', 'packages/postgres'],
  'services/producer': ['packages/pipeline'],
};

/** Client libraries, and the folders that keep them to themselves. */
const clientLibraries: readonly { name: RegExp; isAllowedIn(path: string): boolean }[] = [
  { name: /^kafkajs$/, isAllowedIn: (path) => path.startsWith('packages/pipeline/src/kafka/') },
  { name: /^(pg|pg-copy-streams|@aws-sdk\/.*)$/, isAllowedIn: (path) => !path.startsWith('packages/cli/') },
];

const all = workspaces();
const files = all.flatMap(productionFiles);

function reachable(workspace: string): Set<string> {
  const found = new Set([workspace]);
  for (const each of found) for (const next of arrows[each] ?? []) found.add(next);
  return found;
}

/** The workspace that an import leads into, if it is one of ours. */
function workspaceOf(file: SourceFile, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const into = target(file, specifier);
    return all.find((workspace) => into.startsWith(`${workspace}/`)) ?? into;
  }
  const [, name] = /^@windrow\/([^/]+)/.exec(specifier) ?? [];
  return name && all.find((workspace) => workspace.endsWith(`/${name}`));
}

test('every workspace is in the picture', () => {
  expect(Object.keys(arrows).toSorted()).toEqual(all.toSorted());
});

test('imports follow the arrows', () => {
  const violations = files.flatMap((file) =>
    importsOf(file).flatMap((specifier) => {
      const into = workspaceOf(file, specifier);
      return into === undefined || reachable(file.workspace).has(into) ? [] : [`${file.path} → ${into}`];
    }),
  );
  expect([...new Set(violations)]).toEqual([]);
});

test('another workspace is imported by its name, never by a path', () => {
  const violations = files.flatMap((file) =>
    importsOf(file).flatMap((specifier) => {
      const leaves = specifier.startsWith('.') && !target(file, specifier).startsWith(`${file.workspace}/`);
      return leaves ? [`${file.path}: ${specifier}`] : [];
    }),
  );
  expect(violations).toEqual([]);
});

test('only the pipeline imports kafkajs, and the command neither Postgres nor S3 clients', () => {
  const violations = files.flatMap((file) =>
    importsOf(file)
      .filter((specifier) =>
        clientLibraries.some(({ name, isAllowedIn }) => name.test(specifier) && !isAllowedIn(file.path)),
      )
      .map((specifier) => `${file.path}: ${specifier}`),
  );
  expect(violations).toEqual([]);
});

test('the command holds no SQL', () => {
  const sql =
    /\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP) [\s\S]{0,80}?\b(?:FROM|VALUES|SET|WHERE|TABLE)\b/;
  const violations = productionFiles('packages/cli').filter(({ text }) => sql.test(text));
  expect(violations.map(({ path }) => path)).toEqual([]);
  expect('await db.query(`SELECT count(*) AS rows FROM t`)').toMatch(sql);
});

test("tests don't import kafkajs either: @windrow/pipeline/testing has what they need of it", () => {
  const violations = allFiles()
    .filter((file) => importsOf(file).some((specifier) => /^kafkajs(\/|$)/.test(specifier)))
    .map(({ path }) => path)
    .filter((path) => !path.startsWith('packages/pipeline/src/kafka/'));
  expect(violations).toEqual([]);
});

test('production code imports nothing that only tests use', () => {
  const violations = files.flatMap((file) =>
    importsOf(file).flatMap((specifier) => {
      const own = specifier.startsWith('.') || specifier.startsWith('@windrow/');
      const parts = specifier.split('/');
      return own && (testFolders.some((folder) => parts.includes(folder)) || specifier.endsWith('.test.ts'))
        ? [`${file.path}: ${specifier}`]
        : [];
    }),
  );
  expect(violations).toEqual([]);
});
