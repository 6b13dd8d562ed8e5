import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '@windrow/runtime/testing';
import type { PartName } from '@windrow/stack';
import type { Instance } from './instance.ts';
import type { Platform } from './platform.ts';
import { type Fault, struckBy } from './schedule.ts';

/** Starting a part can fail while its previous process still releases its files, and takes long on a busy machine. */
const startAttempts = 5;

/**
 * Runs one fault from start to end. Fulfilled when its target can recover. Returns the result if it could not be known in
 * advance.
 */
export async function strike(
  platform: Platform,
  fault: Fault,
  signal: AbortSignal,
): Promise<string | undefined> {
  const hold = () => sleep(fault.holdMs, undefined, { signal }).catch(() => undefined);
  if ('network' in fault) {
    const proxy = platform.proxies[struckBy(fault) as 'S3' | 'registry'];
    proxy.set(fault.network);
    await hold();
    proxy.set(undefined);
    return undefined;
  }
  if ('instance' in fault || 'service' in fault) {
    const instance = must(platform.instances.get(struckBy(fault)));
    instance.struck = true;
    try {
      return await strikeInstance(instance, fault, hold, signal);
    } finally {
      instance.struck = false;
    }
  }
  await strikePart(platform, fault.kind, hold);
  return undefined;
}

async function strikeInstance(
  instance: Instance,
  fault: Fault,
  hold: () => Promise<void>,
  signal: AbortSignal,
): Promise<string | undefined> {
  switch (fault.kind) {
    case 'service kill -9':
      instance.kill();
      return undefined;
    case 'service zombie':
      instance.signal('SIGSTOP');
      await hold();
      instance.signal('SIGCONT');
      return undefined;
    case 'service stop':
      await instance.stop();
      await hold();
      await instance.start();
      return undefined;
    case 'service one more':
      await instance.start();
      await hold();
      await instance.stop();
      return undefined;
    case 'service crash at failpoint': {
      const { failpoint } = fault as Extract<Fault, { failpoint: string }>;
      await instance.stop();
      await instance.start(failpoint);
      if (await instance.diesWithin(fault.holdMs, signal)) return undefined;
      // The process did not reach the failpoint (often enough). Restart it without the failpoint, so that it doesn't die
      // later.
      await instance.stop();
      await instance.start();
      return 'not reached';
    }
    default:
      throw new Error(`${fault.kind} strikes no service`);
  }
}

async function strikePart(
  { stack }: Platform,
  kind: Fault['kind'],
  hold: () => Promise<void>,
): Promise<void> {
  const part: PartName = kind.startsWith('Kafka') ? 'kafka' : 'postgres';
  if (kind.endsWith('paused')) {
    stack.signalPart(part, 'SIGSTOP');
    await hold();
    stack.signalPart(part, 'SIGCONT');
    return;
  }
  await stack.stopPart(part, kind.endsWith('kill -9') ? { signal: 'SIGKILL' } : {});
  await hold();
  for (let attempt = 1; ; attempt++) {
    try {
      await stack.startPart(part);
      return;
    } catch (error) {
      if (attempt === startAttempts) throw error;
      await stack.stopPart(part, { signal: 'SIGKILL' });
    }
  }
}
