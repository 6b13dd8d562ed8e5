import { expect, test } from 'vitest';
import { findMissing } from './prerequisites.mjs';
import { choosePackages, explain, installCommand, mayInstall, readAptVersions } from './system-packages.mjs';

const nothingInstalled = () => undefined;
const missing = findMissing({ ask: nothingInstalled });
const missingForTests = findMissing({ ask: nothingInstalled, forTests: true });

const user = { isRoot: false, hasSudo: true };

/** The candidates of each release, as `apt-cache policy` prints them. */
const releases = {
  'Debian 12': { python3: '3.11.2-1+b1', java: '2:1.17-74', extra: ['openjdk-17-jre-headless'] },
  'Debian 13': { python3: '3.13.5-1', java: '2:1.21-76', extra: ['openjdk-21-jre-headless'] },
  'Ubuntu 22.04': {
    python3: '3.10.6-1~22.04',
    java: '2:1.11-72build2',
    extra: ['python3.11', 'python3.11-venv', 'openjdk-17-jre-headless', 'openjdk-21-jre-headless'],
  },
  'Ubuntu 24.04': { python3: '3.12.3-0ubuntu2', java: '2:1.21-75+exp1', extra: ['openjdk-21-jre-headless'] },
  'Debian 11': { python3: '3.9.2-3', java: '2:1.11-72', extra: ['openjdk-17-jre-headless'] },
};

function candidates(release: keyof typeof releases) {
  const { python3, java, extra } = releases[release];
  const every = { python3, 'python3-venv': python3, maven: '3.8.7-1', 'default-jre-headless': java };
  return () => new Map([...Object.entries(every), ...extra.map((name) => [name, '1'] as const)]);
}

test.each([
  ['Debian 12', ['default-jre-headless', 'maven', 'python3', 'python3-venv']],
  ['Debian 13', ['default-jre-headless', 'maven', 'python3', 'python3-venv']],
  ['Ubuntu 24.04', ['default-jre-headless', 'maven', 'python3', 'python3-venv']],
  ['Ubuntu 22.04', ['openjdk-21-jre-headless', 'maven', 'python3.11', 'python3.11-venv']],
] as const)('packages that exist on %s and are new enough', (release, packages) => {
  expect(choosePackages(missing, 'apt', candidates(release))).toEqual({ packages, notPackaged: [] });
});

test('without a package for one of them, the others are still named, and where the one comes from', () => {
  const chosen = choosePackages(missing, 'apt', candidates('Debian 11'));
  expect(chosen.packages).toEqual(['openjdk-17-jre-headless', 'maven']);
  expect(chosen.notPackaged.map(({ name }) => name)).toEqual([
    'Python 3.11 to 3.13 with venv (runs the S3 emulator)',
  ]);
  const text = explain(missing, { manager: 'apt', ...user }, candidates('Debian 11'));
  expect(text).toContain('uv python install 3.13');
});

test("before apt's lists are fetched, the first choices", () => {
  const { packages } = choosePackages(missing, 'apt', () => new Map());
  expect(packages).toEqual(['default-jre-headless', 'maven', 'python3', 'python3-venv']);
});

test('the tests also need a compiler, a browser, kcat and curl, and no second Java', () => {
  const { packages } = choosePackages(missingForTests, 'apt', () => new Map());
  expect(packages).toEqual([
    'default-jdk-headless',
    'maven',
    'python3',
    'python3-venv',
    'chromium',
    'kcat',
    'curl',
  ]);
});

test('only root on apt systems gets packages installed; all others get the command of their system', () => {
  const packages = ['maven', 'kcat'];
  const install = 'apt-get install -y --no-install-recommends maven kcat';
  const commands = [
    [{ manager: 'apt', isRoot: true, hasSudo: false }, `apt-get update && ${install}`],
    [{ manager: 'apt', ...user }, `sudo apt-get update && sudo ${install}`],
    [{ manager: 'apt', isRoot: false, hasSudo: false }, `su -c 'apt-get update && ${install}'`],
    [{ manager: 'dnf', ...user }, 'sudo dnf install -y maven kcat'],
    [{ manager: 'dnf', isRoot: true, hasSudo: true }, 'dnf install -y maven kcat'],
    [{ manager: 'brew', ...user }, 'brew install maven kcat'],
  ] as const;
  for (const [system, command] of commands) {
    expect(installCommand(packages, system)).toBe(command);
    expect(mayInstall(system)).toBe(system.manager === 'apt' && system.isRoot);
  }
});

test('on Fedora, what dnf has is in the command and kcat is explained', () => {
  const lines = explain(missingForTests, { manager: 'dnf', ...user }).split('\n');
  expect(lines).toContain(
    'Install with: sudo dnf install -y java-latest-openjdk-devel maven python3.13 chromium curl',
  );
  expect(lines.at(-1)).toMatch(/^This system's package manager does not have kcat/);
});

test('on a system with another package manager, each program is named with its reason and its source', () => {
  const text = explain(missing, { manager: undefined, ...user });
  expect(text).not.toContain('Install with');
  expect(text).toContain(
    '  - Maven (downloads Kafka and the schema registry): there is no `mvn` on the PATH',
  );
  expect(text).toContain('maven.apache.org');
});

test("apt's candidates are read from the output of apt-cache policy", () => {
  const output = `python3:
  Installed: (none)
  Candidate: 3.13.5-1
  Version table:
     3.13.5-1 500
        500 http://mirror.example/debian trixie/main amd64 Packages
python3.11:
  Installed: (none)
  Candidate: (none)
  Version table:
default-jre-headless:
  Installed: 2:1.21-76
  Candidate: 2:1.21-76
  Version table:
`;
  const asked: string[][] = [];
  const versions = readAptVersions(['python3', 'python3.11'], (command, args) => {
    asked.push([command, ...args]);
    return output;
  });
  expect(asked).toEqual([['env', 'LC_ALL=C', 'apt-cache', 'policy', 'python3', 'python3.11']]);
  expect([...versions]).toEqual([
    ['python3', '3.13.5-1'],
    ['default-jre-headless', '2:1.21-76'],
  ]);
});
