import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const repository = path.resolve(import.meta.dirname, '../..');

/** Folders below a workspace whose files only tests and benchmarks use. `.dockerignore` names them, too. */
export const testFolders = ['testing', 'fixtures', 'bench'];

export interface SourceFile {
  /** Relative to the repository. */
  readonly path: string;
  /** `packages/lake` */
  readonly workspace: string;
  readonly text: string;
}

/** The workspaces' folders, `packages/lake` and so on. */
export function workspaces(): string[] {
  return ['packages', 'services'].flatMap((parent) =>
    readdirSync(path.join(repository, parent)).map((name) => `${parent}/${name}`),
  );
}

/** The TypeScript files of a workspace that images have: no tests, and nothing that only tests use. */
export function productionFiles(workspace: string): SourceFile[] {
  return readdirSync(path.join(repository, workspace), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => !file.split(path.sep).some((part) => [...testFolders, 'node_modules'].includes(part)))
    .map((file) => `${workspace}/${file}`)
    .map((file) => ({
      path: file,
      workspace,
      text: readFileSync(path.join(repository, file), 'utf8'),
    }));
}

/** All TypeScript files of workspaces and tests, but no programs of examples. */
export function allFiles(): Pick<SourceFile, 'path' | 'text'>[] {
  return ['packages', 'services', 'tests'].flatMap((folder) =>
    readdirSync(path.join(repository, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.split(path.sep).includes('node_modules'))
      .map((file) => `${folder}/${file}`)
      .map((file) => ({ path: file, text: readFileSync(path.join(repository, file), 'utf8') })),
  );
}

/** What a module imports, exports again or loads on demand, by the specifiers as they are written; types too. */
export function importsOf({ text }: Pick<SourceFile, 'text'>): string[] {
  const statement =
    /^(?:import|export)\b[^;'"`]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\(\s*'([^']+)'/gm;
  return [...text.matchAll(statement)].map(([, from, plain, dynamic]) => from ?? plain ?? dynamic ?? '');
}

/** The file that a relative import means, relative to the repository. */
export function target({ path: file }: SourceFile, specifier: string): string {
  return path.join(path.dirname(file), specifier);
}
