import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { applyInstallation } from '@windrow/operations';
import { must } from '@windrow/runtime/testing';
import { choosePorts, services, stackPaths } from '@windrow/stack';
import { Instance } from '../chaos/instance.ts';

export interface Producers {
  instances: Instance[];
  stop(): Promise<void>;
}

/** Starts so many processes of the producer service, each of which is started again when it dies. */
export async function startProducers(count: number, endpoints: Record<string, string>): Promise<Producers> {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'windrow-producers-'));
  const paths = stackPaths(stateDir);
  mkdirSync(paths.logs, { recursive: true });
  const instances: Instance[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(instances.map((instance) => instance.stop()));
    rmSync(stateDir, { recursive: true });
  };
  try {
    await applyInstallation({ ...process.env, ...endpoints });
    const definition = must(services.find(({ name }) => name === 'producer'));
    for (let number = 1; number <= count; number++) {
      const name = `producer-${number}`;
      const chosen = await choosePorts(paths, [`${name}.admin`, `${name}.http`]);
      const ports = { admin: must(chosen[`${name}.admin`]), http: must(chosen[`${name}.http`]) };
      const env = { PATH: process.env.PATH ?? '', ...endpoints, WRITE_KEYS: 'optional' };
      const instance = new Instance(name, definition, { paths, env, ports });
      instances.push(instance);
      await instance.start();
    }
    return { instances, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `http://127.0.0.1:20123` */
export function addressOf({ ports }: Instance): string {
  return `http://127.0.0.1:${ports.http}`;
}
