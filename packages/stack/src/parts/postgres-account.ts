import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { WindrowError } from '@windrow/runtime';

/** As whom and from which folder Postgres' programs run. */
export interface PostgresAccount {
  /** Who must own the data; undefined when Postgres runs as the user who starts the stack. */
  uid: number | undefined;
  /** The command that runs a program as this account, to be put in front of it. */
  prefix: string[];
  /** The folder of the programs. This account can execute them. */
  bin: string;
}

/** Only root can write here, and everybody can read it. Its content may be deleted at any time. */
const cacheDir = '/var/cache/windrow';

function othersCanEnter(directory: string): boolean {
  const reachable = (statSync(directory).mode & 0o001) !== 0;
  return reachable && (directory === '/' || othersCanEnter(path.dirname(directory)));
}

function canExecute(prefix: string[], bin: string): boolean {
  const [command = '', ...args] = [...prefix, path.join(bin, 'postgres'), '--version'];
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Copies the folder `native` of the npm package, with programs, libraries and shared files, and returns the programs' folder. */
function copyForEverybody(bin: string): string {
  const native = path.dirname(bin);
  const { version } = JSON.parse(readFileSync(path.join(native, '../package.json'), 'utf8'));
  const copy = path.join(cacheDir, `postgres-${version}`);
  if (!existsSync(copy)) {
    const draft = `${copy}.${process.pid}.draft`;
    mkdirSync(cacheDir, { recursive: true, mode: 0o755 });
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
    // Under root's umask of 077 npm has installed files that only root may read.
    execFileSync('chmod', ['-R', 'u=rwX,go=rX', draft]);
    try {
      renameSync(draft, copy);
    } catch (error) {
      // Another stack that started at the same time made the copy.
      if (!existsSync(copy)) throw error;
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  return path.join(copy, 'bin');
}

/**
 * Postgres refuses to run as root, so root runs it as `nobody`. Where `nobody` may not enter the repository, as in root's home,
 * the programs run from a copy in /var/cache/windrow, because Postgres' own check of their permissions disregards
 * capabilities; the data stays in `stateDir`, which the process enters by the one capability that it keeps.
 * @throws WindrowError STACK_PREREQUISITE_MISSING when there is no such account on this system, or it cannot run Postgres
 */
export function postgresAccount({ bin, stateDir }: { bin: string; stateDir: string }): PostgresAccount {
  if (process.getuid?.() !== 0) return { uid: undefined, prefix: [], bin };
  if (process.platform !== 'linux') {
    throw new WindrowError(
      'STACK_PREREQUISITE_MISSING',
      'Postgres refuses to run as root: start the stack as another user',
    );
  }
  const uid = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
  const prefix = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const reachableBin = canExecute(prefix, bin) ? bin : copyForEverybody(bin);
  if (!canExecute(prefix, reachableBin)) {
    throw new WindrowError(
      'STACK_PREREQUISITE_MISSING',
      `Postgres runs as the user nobody, who can execute it neither in ${bin} nor in ${reachableBin}: clone Windrow into a folder that every user may enter, or start the stack as another user`,
    );
  }
  const capability = othersCanEnter(stateDir)
    ? []
    : ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return { uid, prefix: [...prefix, ...capability], bin: reachableBin };
}
