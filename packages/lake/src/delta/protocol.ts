import { WindrowError } from '@windrow/runtime';
import type { MetaData, Protocol } from './actions.ts';

/** The lowest versions with everything that Windrow uses. Every engine supports them. */
export const ourProtocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** Features that don't restrict a writer that adds and compacts files. A restore checks `appendOnly` itself. */
const harmless = new Set(['appendOnly', 'invariants']);

/** The features that each legacy writer version implies (Delta protocol, "Table Features"). */
const featuresOfWriterVersion: Readonly<Record<number, string>> = {
  3: 'checkConstraints',
  4: 'changeDataFeed, generatedColumns',
  5: 'columnMapping',
  6: 'identityColumns',
};

/**
 * Makes sure that we may read and write a table whose protocol another engine may have raised.
 * @throws WindrowError LAKE_LOG_INVALID naming the feature
 */
export function assertSupported(protocol: Protocol, metaData: MetaData, table: string): void {
  const { minReaderVersion, minWriterVersion, readerFeatures = [], writerFeatures = [] } = protocol;
  const demanded = [...readerFeatures, ...writerFeatures].filter((feature) => !harmless.has(feature));
  if (minReaderVersion === 2) demanded.push('columnMapping');
  if (minReaderVersion > 3) demanded.push(`reader version ${minReaderVersion}`);
  const ofVersion = featuresOfWriterVersion[minWriterVersion];
  if (ofVersion !== undefined) demanded.push(ofVersion);
  if (minWriterVersion > 7) demanded.push(`writer version ${minWriterVersion}`);
  if (metaData.schemaString.includes('"delta.invariants"')) demanded.push('invariants on its columns');
  if (metaData.format.provider !== 'parquet') demanded.push(`data files in ${metaData.format.provider}`);
  if (demanded.length === 0) return;
  throw new WindrowError(
    'LAKE_LOG_INVALID',
    `table ${table} requires features that Windrow doesn't support: ${[...new Set(demanded)].join(', ')}. ` +
      'Drop the feature with the engine that added it, or give Windrow a table of its own.',
  );
}
