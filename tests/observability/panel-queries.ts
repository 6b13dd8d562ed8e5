import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';

export interface PanelQuery {
  row: string;
  panel: string;
  refId: string;
  /** PromQL with the dashboard's variables replaced: all streams. */
  query: string;
}

/** A rate over this long has two samples in it soon after a service has started (they come every 5 s). */
const rateInterval = '30s';

/** Every query of every panel, as Grafana would send it. */
export function panelQueries(dashboard: Dashboard): PanelQuery[] {
  const queries: PanelQuery[] = [];
  let row = '';
  for (const panel of dashboard.panels ?? []) {
    if (panel.type === 'row') {
      row = panel.title ?? '';
      continue;
    }
    if (!('targets' in panel)) continue;
    for (const target of panel.targets ?? []) {
      const { expr, refId } = target as { expr?: string; refId?: string };
      if (expr === undefined) continue;
      queries.push({ row, panel: panel.title ?? '', refId: refId ?? '', query: withoutVariables(expr) });
    }
  }
  return queries;
}

function withoutVariables(expr: string): string {
  return expr.replaceAll('$__rate_interval', rateInterval).replaceAll('$stream', '.*');
}

export interface Sample {
  metric: Record<string, string>;
  /** Prometheus gives numbers as text: `NaN` and `+Inf` are among them. */
  value: string;
}

/**
 * The answer to an instant query (https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries).
 * @throws Error with Prometheus' own words when the query is wrong.
 */
export async function askPrometheus(prometheusUrl: string, query: string): Promise<Sample[]> {
  const response = await fetch(`${prometheusUrl}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query }),
  });
  const answer = (await response.json()) as {
    status: string;
    error?: string;
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  if (answer.status !== 'success') throw new Error(`${answer.error ?? response.statusText}\nin: ${query}`);
  return (answer.data?.result ?? []).map(({ metric, value }) => ({ metric, value: value[1] }));
}
