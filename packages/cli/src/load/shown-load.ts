import type { LoadRequest, LoadResult } from '@windrow/operations';
import { loadInto } from '@windrow/operations/load';
import type { CommandContext } from '../context.ts';
import { loadProgress } from './progress.ts';

/** Loads with a progress display on standard error. */
export async function shownLoad(
  context: CommandContext,
  env: NodeJS.ProcessEnv,
  request: Omit<LoadRequest, 'signal' | 'note' | 'onProgress'>,
): Promise<LoadResult> {
  const progress = loadProgress(context, request.stream);
  const { signal } = context;
  const { note } = progress;
  try {
    return await loadInto(env, { ...request, signal, note, onProgress: progress.show });
  } finally {
    progress.end();
  }
}
