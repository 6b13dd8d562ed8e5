import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StreamContract } from '@windrow/contracts';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { databaseError } from './database-error.ts';

const ownDirectory = fileURLToPath(new URL('../migrations', import.meta.url));

/**
 * Migrates a database to the newest schema: first the ledger's tables, then those of each stream's `migrations/*.sql`. Each
 * file runs once, in a transaction of its own, under an advisory lock that admits one process at a time. The table
 * `windrow.migration_<ledger or stream>` records the files.
 * @returns the migrations applied by this call, as `stream/NNN_what`
 * @throws WindrowError POSTGRES_FAILED
 */
export async function migrate(databaseUrl: string, contracts: StreamContract[]): Promise<string[]> {
  const directories = [
    { name: 'ledger', directory: ownDirectory },
    ...contracts.map(({ name, directory }) => ({ name, directory: join(directory, 'migrations') })),
  ];
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'windrow-migrate' });
  // A broken connection fails its running query. Without a listener, its error event would end the process.
  client.on('error', () => undefined);
  const applied: string[] = [];
  try {
    await client.connect();
    for (const { name, directory } of directories) {
      if (!existsSync(directory) || readdirSync(directory).length === 0) continue;
      for (const migration of await migrateDirectory(client, name, directory)) applied.push(migration);
    }
  } catch (cause) {
    throw databaseError('apply the migrations', cause);
  } finally {
    await client.end().catch(() => undefined);
  }
  return applied;
}

async function migrateDirectory(client: pg.Client, name: string, directory: string): Promise<string[]> {
  const silent = () => undefined;
  const ran = await runner({
    dbClient: client,
    dir: directory,
    direction: 'up',
    migrationsSchema: 'windrow',
    createMigrationsSchema: true,
    migrationsTable: `migration_${name.replaceAll('-', '_')}`,
    singleTransaction: false,
    advisoryLockMode: 'wait',
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
  return ran.map((migration) => `${name}/${migration.name}`);
}
