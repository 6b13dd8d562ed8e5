import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { datasource, lines, number, type Panel } from './panels.ts';
import {
  compactions,
  damagedFetches,
  deadLetters,
  endToEnd,
  events,
  lag,
  matches,
  process,
  qualityNotes,
  rebalances,
  requests,
  seconds,
  warnings,
  watermark,
} from './service-panels.ts';

/**
 * The dashboard: the whole at a glance, then a row for each service in the order of the data. Grafana gets it as
 * `dashboards/windrow.json`, which `npx vitest run tests/observability -u` writes, in the classic schema: every supported
 * Grafana reads it.
 */
export function windrowDashboard(): Dashboard {
  const builder = new DashboardBuilder('Windrow')
    .uid('windrow')
    .description('Events accepted, enriched, and committed to the lake and Postgres')
    .tags(['windrow'])
    .timezone('utc')
    .refresh('10s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(
      new QueryVariableBuilder('stream')
        .label('Stream')
        .datasource(datasource)
        .query({ query: 'label_values(windrow_events_total, stream)', refId: 'stream' })
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(true)
        .allValue('.*')
        .current({ text: 'All', value: '$__all' }),
    );
  let id = 0;
  for (const { title, panels } of rows()) {
    builder.withRow(new RowBuilder(title).id(++id));
    for (const panel of panels) builder.withPanel(panel.id(++id));
  }
  return builder.build();
}

function rows(): { title: string; panels: Panel[] }[] {
  return [
    { title: 'At a glance', panels: glance() },
    {
      title: 'producer: accepts events over HTTP',
      panels: [
        events('producer'),
        requests(),
        seconds(
          'Time until Kafka has it',
          'From handing a group of records to Kafka to its acknowledgement.',
          {
            metric: 'windrow_kafka_send_seconds',
            service: 'producer',
          },
        ),
        deadLetters('producer'),
        warnings(),
        qualityNotes('producer'),
        ...process('producer'),
      ],
    },
    {
      title: 'enricher: validates, drops duplicates, joins the weather',
      panels: [
        events('enricher'),
        lag('enricher'),
        matches(),
        deadLetters('enricher'),
        qualityNotes('enricher'),
        seconds('Time of a transaction', 'From the beginning of a Kafka transaction to its commit.', {
          metric: 'windrow_transaction_seconds',
          service: 'enricher',
        }),
        watermark('enricher'),
        rebalances('enricher'),
        ...process('enricher'),
      ],
    },
    {
      title: 'lake-sink: commits Parquet files to Delta tables',
      panels: [
        events('lake-sink', 'table'),
        ...sink('lake-sink', 'lake'),
        watermark('lake-sink'),
        compactions(),
        damagedFetches('lake-sink'),
        ...process('lake-sink'),
      ],
    },
    {
      title: 'postgres-sink: commits the curated rows',
      panels: [events('postgres-sink'), ...sink('postgres-sink', 'postgres'), ...process('postgres-sink')],
    },
  ];
}

function glance(): Panel[] {
  return [
    number(
      {
        title: 'Services up',
        description: 'Instances that answer Prometheus. Four means one of each service.',
        unit: 'short',
        widthOf24: 4,
      },
      { expr: 'sum(up{service!=""})', legend: 'up' },
    ),
    number(
      {
        title: 'Events enriched',
        description: 'Records of all input topics that the enricher handles, whatever their outcome.',
        unit: 'cps',
        widthOf24: 4,
      },
      {
        expr: 'sum(rate(windrow_events_total{service="enricher",stream=~"$stream"}[$__rate_interval]))',
        legend: 'events/s',
      },
    ),
    number(
      {
        title: 'Consumer lag',
        description: 'Sum of the lag of all consumers, in records.',
        unit: 'short',
        widthOf24: 4,
        thresholds: [
          { value: 10_000, color: 'orange' },
          { value: 1_000_000, color: 'red' },
        ],
      },
      { expr: 'sum(windrow_consumer_lag)', legend: 'records' },
    ),
    number(
      {
        title: 'Accepted → readable in the lake, p95',
        description: '95 % of the events are readable in the lake within this time after they were accepted.',
        unit: 's',
        widthOf24: 4,
        thresholds: [{ value: 300, color: 'red' }],
      },
      { expr: endToEnd('lake', 0.95), legend: 'p95' },
    ),
    number(
      {
        title: 'Accepted → readable in Postgres, p95',
        description: '95 % of the events are readable in Postgres within this time after they were accepted.',
        unit: 's',
        widthOf24: 4,
        thresholds: [{ value: 300, color: 'red' }],
      },
      { expr: endToEnd('postgres', 0.95), legend: 'p95' },
    ),
    number(
      {
        title: 'Share of dead letters',
        description: 'Dead letters of all services, divided by the events of the enricher, over ten minutes.',
        unit: 'percentunit',
        widthOf24: 4,
        thresholds: [{ value: 0.05, color: 'red' }],
      },
      { expr: 'windrow:dead_letters:ratio_rate10m', legend: 'share' },
    ),
  ];
}

function sink(service: string, name: string): Panel[] {
  const perMicrobatch = (measure: string) =>
    `sum(rate(windrow_microbatch_${measure}_sum{sink="${name}"}[$__rate_interval]))` +
    ` / sum(rate(windrow_microbatch_${measure}_count{sink="${name}"}[$__rate_interval]))`;
  return [
    lag(service),
    lines(
      {
        title: 'Accepted → readable',
        description: 'From the time the event was accepted to the commit that makes it readable.',
        unit: 's',
      },
      [0.5, 0.95, 0.99].map((quantile) => ({
        expr: endToEnd(name, quantile),
        legend: `p${quantile * 100}`,
      })),
    ),
    lines(
      {
        title: 'Rows per micro-batch',
        description: 'Mean number of rows in a commit. Many small commits cost more than few large ones.',
        unit: 'short',
      },
      [{ expr: perMicrobatch('rows'), legend: 'rows' }],
    ),
    lines(
      {
        title: 'Bytes per micro-batch',
        description: 'Mean number of bytes that a commit wrote.',
        unit: 'bytes',
      },
      [{ expr: perMicrobatch('bytes'), legend: 'bytes' }],
    ),
    lines(
      {
        title: 'Time of a micro-batch by phase',
        description:
          'Mean seconds of each phase. `fill` is the time in which the batch collects records; of the others, the longest one limits the throughput.',
        unit: 's',
      },
      [
        {
          expr:
            `sum by (phase) (rate(windrow_microbatch_seconds_sum{sink="${name}"}[$__rate_interval]))` +
            ` / sum by (phase) (rate(windrow_microbatch_seconds_count{sink="${name}"}[$__rate_interval]))`,
          legend: '{{phase}}',
        },
      ],
    ),
    lines(
      {
        title: 'Ledger conflicts and rebalances',
        description:
          'Conflict: an instance finds its partition owned by another one and discards its micro-batch. No data is lost.',
        unit: 'short',
      },
      [
        {
          expr: `sum(increase(windrow_ledger_conflicts_total{service="${service}"}[$__rate_interval]))`,
          legend: 'conflicts',
        },
        {
          expr: `sum(increase(windrow_rebalances_total{service="${service}"}[$__rate_interval]))`,
          legend: 'rebalances',
        },
      ],
    ),
  ];
}
