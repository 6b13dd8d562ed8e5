import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { checkRegistry } from '../ready.ts';
import { installedPartsDir } from '../state.ts';
import { loopback, type Part, type PartContext } from './part.ts';

const installed = path.join(installedPartsDir, 'registry');

function runner(): string | undefined {
  const name = existsSync(installed) && readdirSync(installed).find((file) => file.endsWith('-runner.jar'));
  return name ? path.join(installed, name) : undefined;
}

function url({ ports }: PartContext): string {
  // Apicurio speaks the Confluent API under this path.
  return `http://${loopback}:${ports.http}/apis/ccompat/v7`;
}

/** The schema registry: Apicurio, with its data in an H2 file. */
export const registry: Part = {
  name: 'registry',
  portNames: ['http'],
  stopSignal: 'SIGTERM',
  keepsData: true,
  missing: () => (runner() ? undefined : `the registry in ${installed}`),
  async launch({ ports, dataDir }) {
    mkdirSync(dataDir, { recursive: true });
    return {
      before: [],
      command: [
        'java',
        '-Xmx384m',
        '-XX:TieredStopAtLevel=1',
        '-XX:+UseSerialGC',
        '-XX:+PerfDisableSharedMem',
        `-Dquarkus.http.host=${loopback}`,
        `-Dquarkus.http.port=${ports.http}`,
        // Health and metrics of the registry's own: on the same port, or it would open another one on all addresses.
        '-Dquarkus.management.enabled=false',
        '-Dquarkus.log.console.level=WARN',
        '-Dapicurio.storage.kind=sql',
        '-Dapicurio.storage.sql.kind=h2',
        `-Dapicurio.datasource.url=jdbc:h2:file:${dataDir}/registry;WRITE_DELAY=0`,
        '-jar',
        runner() as string,
      ],
      env: {},
      cwd: dataDir,
    };
  },
  check: (context) => checkRegistry(url(context)),
  endpoints: (context) => ({ SCHEMA_REGISTRY_URL: url(context) }),
};
