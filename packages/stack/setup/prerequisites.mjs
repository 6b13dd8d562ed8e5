import { probe } from './probe.mjs';
import { pythonVersions, reasonWithoutPython } from './python.mjs';

/**
 * A program that this machine must have. `missing` tells why it does not count as installed, or returns undefined. `packages`
 * lists, for each package manager, choices in order of preference; the first one fits whose first package has a version that
 * `fits`. A manager without a choice has no package of the program; `elsewhere` then tells where it comes from.
 * @typedef {{ packages: string[], fits?(version: string): boolean }} Choice
 * @typedef {{ name: string, missing(ask: typeof probe): string | undefined,
 *   packages: { apt: Choice[], dnf: Choice[], brew: Choice[] }, elsewhere: string }} Prerequisite
 */

const oldestJava = 17;

/** The major version in what `java -version` and `javac -version` print. */
function javaVersion(output) {
  return Number(/(?:version "|javac )(\d+)/.exec(output)?.[1] ?? 0);
}

function reasonWithoutJava(ask, command) {
  const output = ask(command, ['-version']);
  if (output === undefined) return `there is no \`${command}\` on the PATH`;
  const version = javaVersion(output);
  return version >= oldestJava ? undefined : `\`${command}\` is version ${version || 'unknown'}`;
}

/** Debian and Ubuntu number these packages like `2:1.21-76`, which stands for Java 21. */
const isNewEnoughJava = (version) => Number(/:1\.(\d+)/.exec(version)?.[1]) >= oldestJava;

function javaPackages(flavour) {
  return [
    { packages: [`default-${flavour}-headless`], fits: isNewEnoughJava },
    ...[21, oldestJava].map((version) => ({ packages: [`openjdk-${version}-${flavour}-headless`] })),
  ];
}

/** @type {Prerequisite} */
const java = {
  name: `Java ${oldestJava} or newer (runs Kafka and the schema registry)`,
  missing: (ask) => reasonWithoutJava(ask, 'java'),
  packages: {
    apt: javaPackages('jre'),
    dnf: [{ packages: ['java-latest-openjdk-headless'] }],
    brew: [{ packages: ['temurin'] }],
  },
  elsewhere: 'adoptium.net has it for most systems',
};

/** @type {Prerequisite} */
const javaWithCompiler = {
  name: `a JDK ${oldestJava} or newer (runs Kafka, the schema registry and Spark; compiles the example of a producer in Java)`,
  missing: (ask) => reasonWithoutJava(ask, 'java') ?? reasonWithoutJava(ask, 'javac'),
  packages: {
    apt: javaPackages('jdk'),
    dnf: [{ packages: ['java-latest-openjdk-devel'] }],
    brew: java.packages.brew,
  },
  elsewhere: java.elsewhere,
};

function reasonWithoutCommand(ask, command, args) {
  return ask(command, args) === undefined ? `there is no \`${command}\` on the PATH` : undefined;
}

/** @type {Prerequisite} */
const maven = {
  name: 'Maven (downloads Kafka and the schema registry)',
  missing: (ask) => reasonWithoutCommand(ask, 'mvn', ['--version']),
  packages: {
    apt: [{ packages: ['maven'] }],
    dnf: [{ packages: ['maven'] }],
    brew: [{ packages: ['maven'] }],
  },
  elsewhere: 'maven.apache.org has it as an archive to unpack',
};

const isSuitablePython = (version) => pythonVersions.some((suitable) => version.startsWith(`${suitable}.`));

/** @type {Prerequisite} */
const python = {
  name: `Python ${pythonVersions.at(-1)} to ${pythonVersions[0]} with venv (runs the S3 emulator)`,
  missing: reasonWithoutPython,
  packages: {
    apt: [
      { packages: ['python3', 'python3-venv'], fits: isSuitablePython },
      ...pythonVersions.map((version) => ({ packages: [`python${version}`, `python${version}-venv`] })),
    ],
    dnf: [{ packages: ['python3.13'] }],
    brew: [{ packages: ['python@3.13'] }],
  },
  elsewhere: `\`uv python install ${pythonVersions[0]}\` or pyenv installs it`,
};

/** The commands under which systems have Chromium or Chrome. */
const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const browserOnMac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** The command or path that starts a browser of Chromium's family; undefined when there is none. */
export function findBrowser(ask = probe) {
  return [...browsers, browserOnMac].find((name) => ask(name, ['--version']) !== undefined);
}

/** @type {Prerequisite} */
const browser = {
  name: "Chromium or Chrome (runs Segment's browser SDK in a test)",
  missing: (ask) => (findBrowser(ask) ? undefined : `there is no ${browsers.join(', ')} on the PATH`),
  packages: {
    apt: [{ packages: ['chromium'] }, { packages: ['chromium-browser'] }],
    dnf: [{ packages: ['chromium'] }],
    brew: [{ packages: ['google-chrome'] }],
  },
  elsewhere: 'google.com/chrome has it',
};

/** @type {Prerequisite} */
const kcat = {
  name: 'kcat (one of the examples of producers)',
  missing: (ask) => reasonWithoutCommand(ask, 'kcat', ['-V']),
  packages: { apt: [{ packages: ['kcat'] }], dnf: [], brew: [{ packages: ['kcat'] }] },
  elsewhere: 'github.com/edenhill/kcat tells how to build it',
};

/** @type {Prerequisite} */
const curl = {
  name: 'curl (runs the commands of the documentation, in its tests)',
  missing: (ask) => reasonWithoutCommand(ask, 'curl', ['--version']),
  packages: { apt: [{ packages: ['curl'] }], dnf: [{ packages: ['curl'] }], brew: [{ packages: ['curl'] }] },
  elsewhere: 'curl.se has it for most systems',
};

/**
 * Everything that is missing, not only the first.
 * @returns {(Prerequisite & { reason: string })[]}
 */
export function findMissing({ forTests = false, ask = probe } = {}) {
  const needed = forTests ? [javaWithCompiler, maven, python, browser, kcat, curl] : [java, maven, python];
  return needed.flatMap((one) => {
    const reason = one.missing(ask);
    return reason === undefined ? [] : [{ ...one, reason }];
  });
}
