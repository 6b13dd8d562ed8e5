import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const logger = new URL('./logger.ts', import.meta.url).href;

/** Runs a statement with `log` in a process of its own. Returns its stderr, as an operator would see it. */
function logged(statement: string): Record<string, unknown>[] {
  const code = `import { createLogger } from '${logger}'; const log = createLogger('test', 'info'); ${statement}`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  return stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('createLogger', () => {
  it('hides values under secret keys, at any depth, in child loggers and in errors', () => {
    const lines = logged(`
      log.info({ config: { AWS_SECRET_ACCESS_KEY: 'hunter2', list: [{ password: 'hunter2' }] }, write_key: 'hunter2', rows: 3 });
      log.child({ token: 'hunter2', partition: 1 }).info('child');
      log.error(Object.assign(new Error('refused'), { headers: { Authorization: 'Basic hunter2' } }), 'with an error');
    `);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines[0]).toMatchObject({ rows: 3, write_key: '***', config: { list: [{ password: '***' }] } });
    expect(lines[1]).toMatchObject({ partition: 1, token: '***' });
    expect(lines[2]).toMatchObject({
      level: 'error',
      msg: 'with an error',
      err: { type: 'Error', message: 'refused' },
    });
  });

  it('hides the passwords of URLs wherever they are, in messages and causes of errors too', () => {
    const lines = logged(`
      log.info('connecting to postgres://app:hunter2@db:5432/x');
      log.error(new Error('no connection', { cause: new Error('postgres://app:hunter2@db refused') }));
    `);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines[0]?.msg).toBe('connecting to postgres://app:***@db:5432/x');
    expect(JSON.stringify(lines[1])).toContain('postgres://app:***@db refused');
  });

  it('survives cycles, bigints and bytes', () => {
    const lines = logged(`
      const cycle = { offset: 12n, value: Buffer.from('abc') }; cycle.self = cycle; log.info(cycle, 'odd');
    `);
    expect(lines[0]).toMatchObject({ msg: 'odd', offset: '12', value: '3 bytes' });
  });
});
