import getPort from 'get-port';
import { loopback } from './parts/part.ts';
import { readJson, type StackPaths, writeWhole } from './state.ts';

// Below the range of ephemeral ports: a client that tries to reconnect to a stopped part must not be given that part's port
// as its own local port.
const lowest = 20_000;
const count = 12_000;

function* candidates(): Iterable<number> {
  for (let attempt = 0; attempt < 200; attempt++) yield lowest + Math.floor(Math.random() * count);
}

/** A free port for each name. Ports of the last start are reused if they are free, so that noted addresses stay valid. */
export async function choosePorts(paths: StackPaths, names: string[]): Promise<Record<string, number>> {
  const former = readJson<Record<string, number>>(paths.ports) ?? {};
  const chosen: Record<string, number> = { ...former };
  for (const name of names) {
    const known = former[name];
    const wanted = known === undefined ? candidates() : [known, ...candidates()];
    chosen[name] = await getPort({ host: loopback, port: wanted });
  }
  writeWhole(paths.ports, `${JSON.stringify(chosen, null, 2)}\n`);
  return chosen;
}
