import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const fixture = fileURLToPath(new URL('../fixtures/service.ts', import.meta.url));
const children: ChildProcess[] = [];

interface Line {
  msg: string;
  [key: string]: unknown;
}

function run(behaviour: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [fixture], {
    env: { BEHAVIOUR: behaviour, ADMIN_PORT: '0', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  const lines: Line[] = [];
  let text = '';
  const waiting: { msg: string; resolve: (line: Line) => void }[] = [];
  createInterface({ input: child.stderr }).on('line', (raw) => {
    text += `${raw}\n`;
    if (!raw.startsWith('{')) return;
    const line = JSON.parse(raw) as Line;
    lines.push(line);
    for (const waiter of waiting) if (waiter.msg === line.msg) waiter.resolve(line);
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    child,
    lines,
    exit,
    text: () => text,
    messages: () => lines.map((line) => line.msg),
    line: (msg: string) =>
      new Promise<Line>((resolve) => {
        const seen = lines.find((line) => line.msg === msg);
        if (seen) resolve(seen);
        else waiting.push({ msg, resolve });
      }),
  };
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('runService', () => {
  it('serves health and metrics while it runs, and releases in reverse order on SIGTERM', async () => {
    const service = run('runs');
    const { address } = await service.line('listening');
    await service.line('ready');
    expect(await service.line('warning from Node.js')).toMatchObject({
      level: 'warn',
      err: { message: 'a warning' },
    });
    expect((await fetch(`${address}/live`)).status).toBe(200);
    expect((await fetch(`${address}/ready`)).status).toBe(200);
    expect(await (await fetch(`${address}/metrics`)).text()).toContain('service="fixture"');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(0);
    const order = service.messages().filter((msg) => msg.startsWith('released'));
    expect(order).toEqual(['released second', 'released first']);
    expect(service.lines[0]).toMatchObject({ service: 'fixture', level: 'info' });
    expect(service.lines[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it('exits 2 with every fault and no stack trace when it is configured wrongly', async () => {
    const service = run('nonsense', { ADMIN_PORT: '70000' });
    expect(await service.exit).toBe(2);
    expect(service.text()).toMatch(
      /^windrow fixture: Configuration is invalid:\n {2}ADMIN_PORT: "70000".*\n {2}BEHAVIOUR/,
    );
    expect(service.text()).not.toMatch(/^\s+at /m);
  });

  it('exits 2 when it is asked to fail at a step that nobody knows, naming those it knows', async () => {
    const service = run('normal', { WINDROW_FAILPOINT: 'lake.commit.between' });
    expect(await service.exit).toBe(2);
    expect(service.text()).toMatch(/WINDROW_FAILPOINT: "lake\.commit\.between" is not a failpoint/);
    expect(service.text()).toContain('lake.commit.beforePut');
    expect(service.messages()).toEqual([]);
  });

  it('exits 1 and releases what was set up when the start fails', async () => {
    const service = run('start-fails');
    expect(await service.exit).toBe(1);
    expect(service.messages()).toContain('released first');
    expect(service.lines.find((line) => line.msg === 'could not start')).toMatchObject({
      err: { message: 'no start' },
    });
  });

  it('stops while it is still starting', async () => {
    const service = run('start-waits');
    await service.line('waiting');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(0);
    expect(service.messages()).toContain('released first');
    expect(service.messages()).not.toContain('ready');
  });

  it('releases the rest when one release fails, and exits 1', async () => {
    const service = run('release-fails');
    await service.line('ready');
    service.child.kill('SIGINT');
    expect(await service.exit).toBe(1);
    expect(service.messages()).toContain('released first');
  });

  it('names what hangs when stopping takes too long, and exits 1', async () => {
    const service = run('release-hangs');
    await service.line('ready');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(1);
    expect(service.lines.at(-1)).toMatchObject({ msg: 'stopping took too long', hung: 'second' });
  });

  it('exits at once on the second signal', async () => {
    const service = run('release-hangs');
    await service.line('ready');
    service.child.kill('SIGTERM');
    await service.line('released second');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(1);
    expect(service.messages().at(-1)).toBe('second signal; exiting at once');
  });

  it.each(['unhandled', 'fails'])(
    'ends at once and releases nothing on an unknown error (%s)',
    async (behaviour) => {
      const service = run(behaviour);
      expect(await service.exit).toBe(1);
      expect(service.messages().some((msg) => msg.startsWith('released'))).toBe(false);
      expect(service.lines.at(-1)).toMatchObject({ level: 'fatal', err: { stack: expect.any(String) } });
    },
  );

  it('says which address is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    const service = run('runs', { ADMIN_PORT: String(port) });
    expect(await service.exit).toBe(1);
    expect(service.text()).toContain(`127.0.0.1:${port} (EADDRINUSE)`);
    holder.close();
  });
});
