import { describe, expect, test } from 'vitest';
import { windrowDashboard } from '../../infra/grafana/windrow-dashboard.ts';
import { panelQueries } from './panel-queries.ts';

describe('the dashboard', () => {
  test('is the file that Grafana is provisioned with (after a change: npx vitest run tests/observability -u)', async () => {
    await expect(`${JSON.stringify(windrowDashboard(), null, 2)}\n`).toMatchFileSnapshot(
      '../../infra/grafana/dashboards/windrow.json',
    );
  });

  test('has a row for each service in the order of the data, and no panel twice in a row', () => {
    const { panels } = windrowDashboard();
    expect(panels?.filter((panel) => panel.type === 'row').map((row) => row.title?.split(':')[0])).toEqual([
      'At a glance',
      'producer',
      'enricher',
      'lake-sink',
      'postgres-sink',
    ]);
    const places = panelQueries(windrowDashboard()).map(
      ({ row, panel, refId }) => `${row}/${panel}/${refId}`,
    );
    expect(new Set(places).size).toBe(places.length);
  });

  test('has no query whose variables are left', () => {
    for (const { query } of panelQueries(windrowDashboard())) expect(query).not.toContain('$');
  });
});
