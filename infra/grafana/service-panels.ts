import { lines, type Panel } from './panels.ts';

/** `by`: what tells the events apart; the lake counts an event in each table that it lands in. */
export function events(service: string, by: 'stream' | 'table' = 'stream'): Panel {
  return lines(
    {
      title: 'Events by outcome',
      description: 'Events per second, by outcome.',
      unit: 'cps',
      stacked: true,
    },
    [
      {
        expr: `sum by (${by}, outcome) (rate(windrow_events_total{service="${service}",stream=~"$stream"}[$__rate_interval]))`,
        legend: `{{${by}}} {{outcome}}`,
      },
    ],
  );
}

export function requests(): Panel {
  return lines(
    {
      title: 'HTTP requests by status',
      description:
        '200: Kafka has acknowledged the events. 400: a message was rejected. 401, 403: no valid write key. 429: over the rate or quota of the key. 503: Kafka does not answer, the client retries.',
      unit: 'reqps',
      stacked: true,
    },
    [
      {
        expr: 'sum by (route, status) (rate(windrow_http_requests_total{service="producer"}[$__rate_interval]))',
        legend: '{{route}} {{status}}',
      },
    ],
  );
}

export function warnings(): Panel {
  return lines(
    {
      title: 'Ingestion warnings by source',
      description:
        'Suspicious input of a source: a clock more than a day off, messages that are too large, unknown fields, repeated ids, messages that break a rule. `none`: without a write key.',
      unit: 'cps',
      stacked: true,
    },
    [
      {
        expr: 'sum by (source, warning) (rate(windrow_ingestion_warnings_total{service="producer"}[$__rate_interval]))',
        legend: '{{source}} {{warning}}',
      },
    ],
  );
}

export function qualityNotes(service: string): Panel {
  return lines(
    {
      title: 'Values replaced by null or doubtful',
      description:
        'Values of accepted events that were wrong. The event is kept; its column `_quality` says which value and why.',
      unit: 'cps',
      stacked: true,
    },
    [
      {
        expr: `sum by (stream, field, reason) (rate(windrow_quality_notes_total{service="${service}",stream=~"$stream"}[$__rate_interval]))`,
        legend: '{{stream}} {{field}} {{reason}}',
      },
    ],
  );
}

export function matches(): Panel {
  return lines(
    {
      title: 'Weather joins by result',
      description:
        'Results of the weather join. If `missing` or `stale` grow, the weather is late or does not arrive.',
      unit: 'cps',
      stacked: true,
    },
    [
      {
        expr: 'sum by (match) (rate(windrow_join_matches_total{service="enricher",stream=~"$stream"}[$__rate_interval]))',
        legend: '{{match}}',
      },
    ],
  );
}

export function seconds(title: string, description: string, of: { metric: string; service: string }): Panel {
  return lines(
    { title, description, unit: 's' },
    [0.5, 0.99].map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (le) (rate(${of.metric}_bucket{service="${of.service}"}[$__rate_interval])))`,
      legend: `p${quantile * 100}`,
    })),
  );
}

export function deadLetters(service: string): Panel {
  return lines(
    {
      title: 'Dead letters by reason',
      description: 'Rejected events per second; the lake table rejected/dead_letter has each of them.',
      unit: 'cps',
      stacked: true,
    },
    [
      {
        expr: `sum by (stage, reason) (rate(windrow_dead_letters_total{service="${service}"}[$__rate_interval]))`,
        legend: '{{stage}}/{{reason}}',
      },
    ],
  );
}

export function lag(service: string): Panel {
  return lines(
    {
      title: 'Consumer lag by topic',
      description: 'Offsets that exist and are not handled yet.',
      unit: 'short',
    },
    [{ expr: `sum by (topic) (windrow_consumer_lag{service="${service}"})`, legend: '{{topic}}' }],
  );
}

export function watermark(service: string): Panel {
  return lines(
    {
      title: 'Age of the watermark',
      description:
        'Now minus the event time up to which the data is considered complete. Large while history is loaded.',
      unit: 's',
    },
    [
      {
        expr: `time() - max by (stream) (windrow_watermark_timestamp_seconds{service="${service}",stream=~"$stream"})`,
        legend: '{{stream}}',
      },
    ],
  );
}

export function rebalances(service: string): Panel {
  return lines(
    {
      title: 'Rebalances',
      description:
        'Assignments started. Many of them mean that instances come and go, or cannot send heartbeats.',
      unit: 'short',
    },
    [
      {
        expr: `sum(increase(windrow_rebalances_total{service="${service}"}[$__rate_interval]))`,
        legend: 'rebalances',
      },
    ],
  );
}

/** `or vector(0)`, here and below: there is no series before it first happens. */
export function damagedFetches(service: string): Panel {
  return lines(
    {
      title: 'Damaged fetches',
      description:
        'Fetches of corrupt data (wrong checksum or length). The consumer fetches it again and stores no corrupt record. Many for one partition mean that the data on the broker’s disk is damaged.',
      unit: 'short',
    },
    [
      {
        expr: `sum(increase(windrow_damaged_fetches_total{service="${service}"}[$__rate_interval])) or vector(0)`,
        legend: 'fetches',
      },
    ],
  );
}

export function compactions(): Panel {
  return lines(
    {
      title: 'Compactions',
      description:
        'Windows whose small files were merged, and files that were deleted after their retention. None without LAKE_COMPACTION=on.',
      unit: 'short',
    },
    [
      ...['ok', 'overtaken', 'failed'].map((outcome) => ({
        expr: `sum(increase(windrow_compactions_total{outcome="${outcome}"}[$__rate_interval])) or vector(0)`,
        legend: outcome,
      })),
      {
        expr: 'sum(increase(windrow_vacuumed_files_total[$__rate_interval])) or vector(0)',
        legend: 'files deleted',
      },
    ],
  );
}

export function process(service: string): Panel[] {
  return [
    lines({ title: 'CPU', description: 'Cores in use, by instance.', unit: 'short' }, [
      {
        expr: `rate(process_cpu_seconds_total{service="${service}"}[$__rate_interval])`,
        legend: '{{instance}}',
      },
    ]),
    lines({ title: 'Memory', description: 'Resident memory, by instance.', unit: 'bytes' }, [
      { expr: `process_resident_memory_bytes{service="${service}"}`, legend: '{{instance}}' },
    ]),
  ];
}

export function endToEnd(sink: string, quantile: number): string {
  return `histogram_quantile(${quantile}, sum by (le) (rate(windrow_end_to_end_seconds_bucket{sink="${sink}"}[$__rate_interval])))`;
}
