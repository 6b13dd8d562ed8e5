import { execFileSync } from 'node:child_process';

/** @returns {string | undefined} what a command prints, standard error included; undefined when it can't be run */
function ask(command, args) {
  try {
    const redirected = [command, ...args].map((word) => `'${word}'`).join(' ');
    return execFileSync('/bin/sh', ['-c', `${redirected} 2>&1`], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

function javaFault() {
  const output = ask('java', ['-version']);
  if (output === undefined) return 'there is no `java` on the PATH';
  const major = Number(/version "(\d+)/.exec(output)?.[1]);
  return major >= 17 ? undefined : `the \`java\` on the PATH is version ${major || 'unknown'}`;
}

const pythonQuestion = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])';

/** The Python 3.11 to make environments with, or undefined. LocalStack's pinned set of packages fits no other version. */
export function findPython() {
  return ['python3.11', 'python3'].find((name) => ask(name, ['-c', pythonQuestion])?.trim() === '3.11');
}

function pythonFault() {
  if (findPython()) return undefined;
  for (const name of ['python3.11', 'python3']) {
    const version = ask(name, ['--version'])?.trim();
    if (version?.startsWith('Python 3.11')) return `${version} is here, but its module venv is not`;
    if (version?.startsWith('Python 3')) return `only ${version} is here`;
  }
  return 'there is no `python3.11` on the PATH';
}

/** The commands under which systems have Chromium or Chrome. */
const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const browserOnMac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** What starts a browser of Chromium's family; undefined where there is none. */
export function findBrowser() {
  return [...browsers, browserOnMac].find((name) => ask(name, ['--version']) !== undefined);
}

function absence(command, args) {
  return ask(command, args) === undefined ? `there is no \`${command}\` on the PATH` : undefined;
}

/** For the tests, on top of the others. */
const testPrerequisites = [
  {
    name: "Chromium or Chrome (runs Segment's browser SDK in a test)",
    fault: () => (findBrowser() ? undefined : `there is no ${browsers.join(', ')} on the PATH`),
    apt: ['chromium'],
    brew: ['--cask google-chrome'],
  },
  {
    name: 'a Java compiler (builds the example of a producer in Java)',
    fault: () => absence('javac', ['-version']),
    apt: ['openjdk-17-jdk-headless'],
    brew: ['openjdk@17'],
  },
  {
    name: 'kcat (one of the examples of producers)',
    fault: () => absence('kcat', ['-V']),
    apt: ['kcat'],
    brew: ['kcat'],
  },
];

const prerequisites = [
  {
    name: 'Java 17 or newer (runs Kafka, the schema registry and, for the tests, Spark)',
    fault: javaFault,
    apt: ['openjdk-17-jre-headless'],
    brew: ['openjdk@17'],
  },
  {
    name: 'Maven (fetches them)',
    fault: () => absence('mvn', ['--version']),
    apt: ['maven'],
    brew: ['maven'],
  },
  {
    name: 'Python 3.11 with venv (runs LocalStack)',
    fault: pythonFault,
    apt: ['python3.11', 'python3.11-venv'],
    brew: ['python@3.11'],
  },
];

/** @returns {{ name: string, reason: string, apt: string[], brew: string[] }[]} all that is missing, not just the first */
export function findMissing({ forTests = false } = {}) {
  return [...prerequisites, ...(forTests ? testPrerequisites : [])].flatMap((one) => {
    const reason = one.fault();
    return reason === undefined ? [] : [{ ...one, reason }];
  });
}

export function hasApt() {
  return process.platform === 'linux' && ask('apt-get', ['--version']) !== undefined;
}

/** What is missing and how to get it on this system. */
export function explain(missing) {
  const lines = missing.map(({ name, reason }) => `  - ${name}: ${reason}`);
  const apt = missing.flatMap((one) => one.apt).join(' ');
  const brew = missing.flatMap((one) => one.brew).join(' ');
  const python = missing.some((one) => one.apt.includes('python3.11'));
  lines.push('');
  if (process.platform === 'darwin') {
    lines.push(`Install with: brew install ${brew}`);
    if (brew.includes('openjdk')) lines.push('and put it on the PATH as `brew info openjdk@17` says.');
  } else if (hasApt()) {
    const root = process.getuid?.() === 0;
    lines.push(
      `Install with: ${root ? '' : 'sudo '}apt-get update && ${root ? '' : 'sudo '}apt-get install -y ${apt}`,
    );
    if (root) lines.push('or let this do it: npm run setup -- --install-missing');
    if (python)
      lines.push('Where the release has no python3.11: `uv python install 3.11` or pyenv brings it.');
  } else {
    lines.push("Install them with the system's package manager (Debian and Ubuntu call them:", `  ${apt})`);
  }
  return lines.join('\n');
}
