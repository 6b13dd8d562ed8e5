import { accessSync, constants, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { checkPrometheus } from '../ready.ts';
import { installedPartsDir, repositoryDir } from '../state.ts';
import { loopback, type Part, type PartContext } from './part.ts';

const configDir = path.join(repositoryDir, 'infra/prometheus');

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The binary that set-up unpacked, or else one on the PATH. */
function binary(): string | undefined {
  const onPath = (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, 'prometheus'));
  return [path.join(installedPartsDir, 'prometheus/usr/bin/prometheus'), ...onPath].find(isExecutable);
}

function url({ ports }: PartContext): string {
  return `http://${loopback}:${ports.http}`;
}

/**
 * Prometheus, where the machine has it or set-up could unpack it. Its configuration and rules are those of
 * infra/prometheus, copied beside `targets.json`, so that relative names in them work here as in a container.
 */
export const prometheus: Part = {
  name: 'prometheus',
  portNames: ['http'],
  stopSignal: 'SIGTERM',
  keepsData: true,
  missing: () => (binary() ? undefined : 'Prometheus (put `prometheus` on the PATH to have it)'),
  async launch({ paths, ports, dataDir }) {
    mkdirSync(dataDir, { recursive: true });
    mkdirSync(paths.prometheus, { recursive: true });
    for (const name of readdirSync(configDir).filter((file) => file.endsWith('.yml'))) {
      copyFileSync(path.join(configDir, name), path.join(paths.prometheus, name));
    }
    return {
      before: [],
      command: [
        binary() as string,
        `--config.file=${paths.prometheus}/prometheus.yml`,
        `--storage.tsdb.path=${dataDir}`,
        `--web.listen-address=${loopback}:${ports.http}`,
        '--log.level=warn',
      ],
      env: {},
      cwd: dataDir,
    };
  },
  check: (context) => checkPrometheus(url(context)),
  endpoints: (context) => ({ PROMETHEUS_URL: url(context) }),
};
