import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import { WindrowError } from './errors.ts';

export type { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface MetricSpec<L extends string> {
  /** `windrow_…`, with its base unit at the end (`_seconds`, `_bytes`, `_rows`), a counter with `_total`. */
  name: string;
  /** What is measured, as a sentence for whoever reads a dashboard. */
  help: string;
  /** Only labels with few values: never an id, a key or a message. */
  labels?: readonly L[];
}

/** A registry whose every series carries `service`, with the process's own metrics in it. */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** The counter of that name: made on the first call, and the same one after that. */
export function counter<L extends string>(registry: Registry, spec: MetricSpec<L>): Counter<L> {
  if (!spec.name.endsWith('_total')) throw invalid(spec, 'a counter ends with _total');
  return madeOnce(registry, spec, Counter<L>, () => new Counter(options(registry, spec)));
}

/** The gauge of that name; `collect` is asked for the value whenever the metrics are read. */
export function gauge<L extends string>(
  registry: Registry,
  spec: MetricSpec<L> & { collect?: (gauge: Gauge<L>) => void | Promise<void> },
): Gauge<L> {
  const { collect } = spec;
  return madeOnce(
    registry,
    spec,
    Gauge<L>,
    () =>
      new Gauge({
        ...options(registry, spec),
        ...(collect && {
          collect() {
            return collect(this);
          },
        }),
      }),
  );
}

/** The histogram of that name; `buckets` are upper bounds in the unit of its name. */
export function histogram<L extends string>(
  registry: Registry,
  spec: MetricSpec<L> & { buckets: readonly number[] },
): Histogram<L> {
  return madeOnce(
    registry,
    spec,
    Histogram<L>,
    () => new Histogram({ ...options(registry, spec), buckets: [...spec.buckets] }),
  );
}

function options<L extends string>(registry: Registry, spec: MetricSpec<L>) {
  if (!/^windrow_[a-z][a-z0-9_]*[a-z0-9]$/.test(spec.name))
    throw invalid(spec, 'a name is windrow_…, in snake case');
  if (!/\s/.test(spec.help.trim())) throw invalid(spec, 'its help text says nothing');
  return { name: spec.name, help: spec.help, labelNames: [...(spec.labels ?? [])], registers: [registry] };
}

function madeOnce<M extends Metric>(
  registry: Registry,
  spec: MetricSpec<string>,
  kind: abstract new (...args: never[]) => M,
  make: () => M,
): M {
  const existing = registry.getSingleMetric(spec.name);
  if (existing === undefined) return make();
  if (!(existing instanceof kind)) throw invalid(spec, 'the name is taken by a metric of another kind');
  return existing;
}

function invalid(spec: MetricSpec<string>, reason: string): WindrowError {
  return new WindrowError('METRIC_INVALID', `Metric ${spec.name}: ${reason}.`);
}
