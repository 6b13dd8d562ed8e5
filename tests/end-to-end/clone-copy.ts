import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clone } from './installation.ts';

/** The repository's files, with this clone's installed packages and parts behind links. */
export function copyOfTheClone(): string {
  const root = mkdtempSync(join(tmpdir(), 'windrow-clone-'));
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: clone,
  });
  for (const file of files.toString().split('\0').filter(Boolean))
    cpSync(join(clone, file), join(root, file));
  mkdirSync(join(root, 'node_modules'));
  mkdirSync(join(root, '.windrow'));
  symlinkSync(join(clone, '.windrow/parts'), join(root, '.windrow/parts'));
  for (const name of readdirSync(join(clone, 'node_modules'))) {
    // The workspaces' links are relative: they lead to the copy's own packages.
    if (name === '@windrow')
      cpSync(join(clone, 'node_modules', name), join(root, 'node_modules', name), {
        recursive: true,
        verbatimSymlinks: true,
      });
    else symlinkSync(join(clone, 'node_modules', name), join(root, 'node_modules', name));
  }
  return root;
}
