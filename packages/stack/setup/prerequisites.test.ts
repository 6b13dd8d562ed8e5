import { expect, test } from 'vitest';
import { findMissing } from './prerequisites.mjs';
import { findPython, reasonWithoutPython } from './python.mjs';

/** A machine on which some commands print something when they are asked for their version, and all others fail. */
function machine(commands: Record<string, string>) {
  return (command: string) => commands[command];
}

/** A Python of a version; without `venv` it can only tell its version. */
function python(command: string, version: string, { venv = true } = {}) {
  return (asked: string, args: string[]): string | undefined => {
    if (asked !== command) return undefined;
    if (args[0] === '--version') return `Python ${version}.1\n`;
    return venv ? `${version}\n` : undefined;
  };
}

const java = { java: 'openjdk version "21.0.8" 2026-07-15', mvn: 'Apache Maven 3.9.9', python3: '3.13' };

test.each(['3.11', '3.12', '3.13'])('a python3 of version %s is used', (version) => {
  expect(findPython(python('python3', version))).toBe('python3');
  expect(reasonWithoutPython(python('python3', version))).toBeUndefined();
});

test('beside a python3 that is too old or too new, a suitable one by its own name is used', () => {
  const ask = machine({ python3: '3.14', 'python3.11': '3.11', 'python3.12': '3.12' });
  expect(findPython(ask)).toBe('python3.12');
});

test.each([
  ['3.10', {}, '`python3` is version 3.10.1'],
  ['3.14', {}, '`python3` is version 3.14.1'],
  ['3.13', { venv: false }, 'Python 3.13.1 is installed without its module venv'],
])('Python %s %o is missing, with the reason', (version, options, reason) => {
  expect(reasonWithoutPython(python('python3', version, options))).toBe(reason);
});

test('without any Python the reason says so', () => {
  expect(reasonWithoutPython(machine({}))).toBe('there is no `python3` on the PATH');
});

test.each([
  ['openjdk version "17.0.12" 2026-07-15', []],
  ['openjdk version "25" 2025-09-16', []],
  ['java version "1.8.0_421"', ['`java` is version 1']],
  ['openjdk version "11.0.24" 2024-07-16', ['`java` is version 11']],
])('%s', (output, reasons) => {
  expect(findMissing({ ask: machine({ ...java, java: output }) }).map(({ reason }) => reason)).toEqual(
    reasons,
  );
});

test('everything that is missing is found, not only the first', () => {
  const reasons = (options: { forTests: boolean }) =>
    findMissing({ ...options, ask: machine({}) }).map(({ reason }) => reason);
  expect(reasons({ forTests: false })).toHaveLength(3);
  expect(reasons({ forTests: true })).toHaveLength(6);
});

test('the tests need a compiler that is new enough, and a browser under any of its names', () => {
  const complete = { ...java, kcat: 'kcat', curl: 'curl 8', 'google-chrome-stable': 'Google Chrome 140' };
  const reasons = (commands: Record<string, string>) =>
    findMissing({ forTests: true, ask: machine({ ...complete, ...commands }) }).map(({ reason }) => reason);
  expect(reasons({ javac: 'javac 17.0.12' })).toEqual([]);
  expect(reasons({})).toEqual(['there is no `javac` on the PATH']);
  expect(reasons({ javac: 'javac 11.0.24' })).toEqual(['`javac` is version 11']);
});
