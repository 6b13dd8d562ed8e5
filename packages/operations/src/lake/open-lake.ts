import { loadStreams, type StreamContract } from '@windrow/contracts';
import { DeltaLog, S3ObjectStore, systemHost } from '@windrow/lake';
import { loadConfig, s3Config, WindrowError } from '@windrow/runtime';
import { type LakeTableName, lakeTables } from '../ledgers.ts';

/** The lake without a broker or a database. Whoever opens it closes it. */
export interface Lake {
  store: S3ObjectStore;
  contracts: StreamContract[];
  tables: LakeTableName[];
}

/** @throws WindrowError CONFIG_INVALID naming all invalid or missing variables */
export async function openLake(env: NodeJS.ProcessEnv): Promise<Lake> {
  const config = loadConfig(s3Config, env);
  const contracts = await loadStreams();
  const store = new S3ObjectStore({
    bucket: config.LAKE_BUCKET,
    region: config.AWS_REGION,
    endpoint: config.S3_ENDPOINT,
    credentials: { accessKeyId: config.AWS_ACCESS_KEY_ID, secretAccessKey: config.AWS_SECRET_ACCESS_KEY },
  });
  return { store, contracts, tables: lakeTables(contracts) };
}

/** @throws WindrowError USAGE naming the existing tables */
export function tableNamed({ tables }: Lake, path: string): LakeTableName {
  const table = tables.find((each) => each.path === path);
  if (table) return table;
  const names = tables.map((each) => each.path).join(', ');
  throw new WindrowError('USAGE', `there is no lake table ${path}; it is one of: ${names}`);
}

/** @throws WindrowError USAGE when the table does not exist yet */
export async function openTableLog(
  { store }: Lake,
  { path }: LakeTableName,
  options?: { withFiles: boolean },
): Promise<DeltaLog> {
  const log = await DeltaLog.open(store, path, systemHost, options);
  if (log) return log;
  throw new WindrowError(
    'USAGE',
    `${store.url(path)} does not exist yet. The lake sink creates it when it starts`,
  );
}
