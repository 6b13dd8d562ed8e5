import { describe, expect, it } from 'vitest';
import { counter, createRegistry, gauge, histogram } from './metrics.ts';

describe('metrics', () => {
  it('carries the service and the help text, and asks gauges when it is read', async () => {
    const registry = createRegistry('test');
    counter(registry, { name: 'windrow_things_total', help: 'Things seen', labels: ['kind'] }).inc(
      { kind: 'a' },
      2,
    );
    gauge(registry, { name: 'windrow_lag', help: 'How far behind', collect: (g) => g.set(7) });
    histogram(registry, { name: 'windrow_wait_seconds', help: 'Time waited', buckets: [1, 2] }).observe(1.5);
    const text = await registry.metrics();
    expect(text).toContain('# HELP windrow_things_total Things seen');
    expect(text).toContain('windrow_things_total{kind="a",service="test"} 2');
    expect(text).toContain('windrow_lag{service="test"} 7');
    expect(text).toContain('windrow_wait_seconds_bucket{le="2",service="test"} 1');
    expect(text).toContain('process_cpu_seconds_total');
  });

  it('gives the same metric to everyone who asks for it, and refuses another kind under its name', () => {
    const registry = createRegistry('test');
    const spec = { name: 'windrow_things_total', help: 'Things seen' };
    expect(counter(registry, spec)).toBe(counter(registry, spec));
    expect(() => gauge(registry, spec)).toThrow(expect.objectContaining({ code: 'METRIC_INVALID' }));
  });

  it('refuses a metric without a help text, out of the namespace, or a counter without _total', () => {
    const registry = createRegistry('test');
    const invalid = expect.objectContaining({ code: 'METRIC_INVALID' });
    expect(() => gauge(registry, { name: 'windrow_lag', help: ' ' })).toThrow(invalid);
    expect(() => gauge(registry, { name: 'lag', help: 'How far behind' })).toThrow(invalid);
    expect(() => counter(registry, { name: 'windrow_things', help: 'Things seen' })).toThrow(invalid);
  });
});
