import { probe } from './probe.mjs';

/** The versions on which every pinned set of Python packages installs and runs. */
export const pythonVersions = ['3.13', '3.12', '3.11'];

// The system's own `python3` comes first: its packages, such as that of `venv`, belong to this version.
const commands = ['python3', ...pythonVersions.map((version) => `python${version}`)];

// Debian and Ubuntu package `venv` and the `ensurepip` that it needs apart from Python.
const question = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])';

/** The command of a Python that has one of `pythonVersions` and can make virtual environments, or undefined. */
export function findPython(ask = probe) {
  return commands.find((command) => pythonVersions.includes(ask(command, ['-c', question])?.trim()));
}

/** Why `findPython` finds none; undefined when it finds one. */
export function reasonWithoutPython(ask = probe) {
  if (findPython(ask)) return undefined;
  const found = commands
    .map((command) => /^Python ((\d+\.\d+)\S*)/.exec(ask(command, ['--version']) ?? ''))
    .filter((match) => match !== null);
  const fitting = found.find(([, , version]) => pythonVersions.includes(version));
  if (fitting) return `Python ${fitting[1]} is installed without its module venv`;
  return found.length > 0 ? `\`python3\` is version ${found[0][1]}` : 'there is no `python3` on the PATH';
}
