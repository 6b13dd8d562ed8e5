import { probe } from './probe.mjs';

/**
 * @typedef {{ manager: 'apt' | 'dnf' | 'brew' | undefined, isRoot: boolean, hasSudo: boolean }} System
 * @typedef {import('./prerequisites.mjs').Prerequisite} Prerequisite
 */

export function hasApt(ask = probe) {
  return process.platform === 'linux' && ask('apt-get', ['--version']) !== undefined;
}

function findManager(ask) {
  if (process.platform === 'darwin') return 'brew';
  if (hasApt(ask)) return 'apt';
  return process.platform === 'linux' && ask('dnf', ['--version']) !== undefined ? 'dnf' : undefined;
}

/** @returns {System} */
export function thisSystem(ask = probe) {
  return {
    manager: findManager(ask),
    isRoot: process.getuid?.() === 0,
    hasSudo: ask('sudo', ['-V']) !== undefined,
  };
}

/** Set-up installs system packages itself as root on Debian and Ubuntu. Elsewhere it prints the command that does. */
export function mayInstall({ manager, isRoot }) {
  return manager === 'apt' && isRoot;
}

/** The versions that apt would install, by package; a package that apt does not know is not in it. */
export function readAptVersions(names, ask = probe) {
  // apt-cache translates its output unless it is told not to.
  const output = ask('env', ['LC_ALL=C', 'apt-cache', 'policy', ...names]) ?? '';
  const versions = new Map();
  for (const [, name, version] of output.matchAll(/^(\S+):\n {2}Installed: .*\n {2}Candidate: (.*)$/gm)) {
    if (version !== '(none)') versions.set(name, version);
  }
  return versions;
}

/**
 * Which packages bring what is missing on this system, and what no package brings. When apt knows none of the packages, its
 * lists have not been fetched yet: then the first choices are taken, which are right for current releases.
 * @param {Prerequisite[]} missing
 * @param {System['manager']} manager
 */
export function choosePackages(missing, manager, aptVersions = readAptVersions) {
  const choicesOf = (one) => (manager === undefined ? [] : one.packages[manager]);
  const names = missing.flatMap(choicesOf).flatMap(({ packages }) => packages);
  const versions = manager === 'apt' && names.length > 0 ? aptVersions(names) : new Map();
  const fits = (choice) => {
    if (versions.size === 0) return true;
    const version = versions.get(choice.packages[0]);
    return version !== undefined && (choice.fits?.(version) ?? true);
  };
  const chosen = missing.map((one) => ({ one, choice: choicesOf(one).find(fits) }));
  return {
    packages: chosen.flatMap(({ choice }) => choice?.packages ?? []),
    notPackaged: chosen.filter(({ choice }) => choice === undefined).map(({ one }) => one),
  };
}

/** The arguments with which apt-get installs packages: without those that the packages only recommend. */
export function aptInstall(packages) {
  return ['install', '-y', '--no-install-recommends', ...packages];
}

/** The one command that installs packages on this system, for this user. */
export function installCommand(packages, { manager, isRoot, hasSudo }) {
  if (manager === 'brew') return `brew install ${packages.join(' ')}`;
  const steps =
    manager === 'apt'
      ? ['apt-get update', `apt-get ${aptInstall(packages).join(' ')}`]
      : [`dnf install -y ${packages.join(' ')}`];
  if (isRoot) return steps.join(' && ');
  if (hasSudo) return steps.map((step) => `sudo ${step}`).join(' && ');
  return `su -c '${steps.join(' && ')}'`;
}

/**
 * What is missing, why, and how to install it on this system.
 * @param {(Prerequisite & { reason: string })[]} missing
 * @param {System} system
 */
export function explain(missing, system, aptVersions = readAptVersions) {
  const { packages, notPackaged } = choosePackages(missing, system.manager, aptVersions);
  const lines = [
    'Missing on this machine:',
    ...missing.map(({ name, reason }) => `  - ${name}: ${reason}`),
    '',
  ];
  if (packages.length > 0) lines.push(`Install with: ${installCommand(packages, system)}`);
  for (const { name, elsewhere } of notPackaged) {
    lines.push(`This system's package manager does not have ${name}: ${elsewhere}.`);
  }
  return lines.join('\n');
}
