import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isExecutable } from './is-executable.mjs';
import { areNpmPackagesInstalled, installNpmPackages } from './npm-packages.mjs';
import { findPython } from './python.mjs';
import { run } from './run.mjs';
import { hasApt } from './system-packages.mjs';

/**
 * One thing to install. `inputs` are the files that define it; when one of them changes, set-up installs it again. `done` checks
 * whether it is installed. `make` installs it in a draft folder that it renames at the end, so that an interrupted run leaves
 * nothing that looks complete; `note` prints a line for the user. When an `optional` step fails, set-up reports it, remembers it
 * and goes on.
 * @typedef {{ name: string, title: string, inputs: string[], done(): boolean,
 *   make(context: { logFile: string, note(line: string): void }): Promise<void>, optional?: string, wayOut: string }} Step
 */

export const root = fileURLToPath(new URL('../../../', import.meta.url));
const parts = path.join(root, '.windrow/parts');
const network =
  'Check that this machine reaches the package registry. A proxy or a mirror is set in the configuration of npm, Maven or pip.';

/** `fill` fills a draft folder, which then replaces the former folder as a whole. */
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

/** @type {Step} */
const npm = {
  name: 'npm',
  title: 'npm packages, with Node 24 and Postgres',
  inputs: [],
  done: () => areNpmPackagesInstalled(root),
  make: ({ logFile, note }) => installNpmPackages({ root, logFile, note }),
  wayOut: network,
};

const maven = ['--batch-mode', '--no-transfer-progress', '--quiet'];

/** Downloads a pom's dependencies, including the transitive ones. */
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

/**
 * Creates a virtual environment in its final place, because its scripts contain its path. The step's stamp tells whether it is
 * complete.
 */
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
    // LocalStack's index of all AWS services. Without it every start would build the index, which takes ten seconds.
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
  done: () =>
    onPath('prometheus') ||
    ['prometheus', 'promtool'].every((name) => isExecutable(path.join(parts, 'prometheus/usr/bin', name))),
  async make({ logFile }) {
    if (!hasApt()) {
      throw new Error('only the package of Debian and Ubuntu can be unpacked without being installed');
    }
    await replaceDirectory(path.join(parts, 'prometheus'), async (draft) => {
      // Since Debian 13, promtool is a package of its own.
      for (const name of ['prometheus', 'promtool']) {
        if (isExecutable(path.join(draft, 'usr/bin', name))) continue;
        await run('apt-get', ['download', name], { logFile, cwd: draft });
        const archive = readdirSync(draft).find((file) => file.endsWith('.deb'));
        await run('dpkg', ['-x', archive, '.'], { logFile, cwd: draft });
        rmSync(path.join(draft, archive));
      }
    });
  },
  optional:
    'the stack runs without it; put `prometheus` on the PATH, or delete .windrow/setup/prometheus.stamp to try again',
  wayOut: 'apt-get update',
};

/**
 * The steps in lanes: lanes run in parallel, the steps of a lane one after the other. All Maven steps share a lane, because two
 * Maven processes must not write to the local repository at the same time.
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
