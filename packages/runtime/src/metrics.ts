import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import { WindrowError } from './errors.ts';

export type { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface MetricSpec<L extends string> {
  /** `windrow_…`, ending with the base unit (`_seconds`, `_bytes`, `_rows`), or with `_total` for a counter. */
  name: string;
  /** Says what is measured, for readers of dashboards. */
  help: string;
  /** Labels with few values: never an id, a key or a message. */
  labels?: readonly L[];
}

/** A registry with the label `service` on each series and with the metrics of the process. */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** The counter of this name. The first call creates it; later calls return the same one. */
export function counter<L extends string>(registry: Registry, spec: MetricSpec<L>): Counter<L> {
  if (!spec.name.endsWith('_total')) throw invalid(spec, 'the name of a counter must end with _total');
  return madeOnce(registry, spec, Counter<L>, () => new Counter(options(registry, spec)));
}

/** The gauge of this name. `collect`, if given, sets its value each time the metrics are scraped. */
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

/** The histogram of this name. `buckets` are upper bounds in the unit of its name. */
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
    throw invalid(spec, 'a name must be windrow_… in snake case');
  if (!/\s/.test(spec.help.trim())) throw invalid(spec, 'its help text must have several words');
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
  if (!(existing instanceof kind)) throw invalid(spec, 'a metric of another kind has this name');
  return existing;
}

function invalid(spec: MetricSpec<string>, reason: string): WindrowError {
  return new WindrowError('METRIC_INVALID', `Metric ${spec.name}: ${reason}.`);
}
