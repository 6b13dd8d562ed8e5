import { parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

type ReadOptions = Pick<Parameters<typeof parquetRead>[0], 'file' | 'metadata' | 'parsers' | 'utf8'>;
type OnChunk = (values: ArrayLike<unknown>, rowStart: number) => void;

/**
 * Reads one column of a file, a chunk after the other. An error of `onChunk` rejects: hyparquet calls it where nobody catches its
 * errors, and an unhandled rejection would end the process. After an error, `onChunk` isn't called again.
 */
export async function readColumnChunks(name: string, options: ReadOptions, onChunk: OnChunk): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  await parquetRead({
    ...options,
    columns: [name],
    compressors,
    onChunk: ({ columnData, rowStart }) => {
      if (failure !== undefined) return;
      try {
        onChunk(columnData, rowStart);
      } catch (error) {
        failure = { error };
      }
    },
  });
  if (failure !== undefined) throw failure.error;
}
