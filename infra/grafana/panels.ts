import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphGradientMode,
  LegendDisplayMode,
  LegendPlacement,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** The dashboard's variable that holds the Prometheus to ask. */
export const datasource = { type: 'prometheus', uid: '$' + '{datasource}' };

/** A PromQL expression and what its series are called (`{{label}}` is replaced by the label's value). */
export interface Query {
  expr: string;
  legend: string;
}

export interface PanelText {
  title: string;
  /** What a reader should make of it; shown at the panel's (i). */
  description: string;
  /** A unit of Grafana's: `s`, `bytes`, `short`, `percentunit`, `cps` (counts per second) … */
  unit: string;
}

export type Panel = TimeseriesBuilder | StatBuilder;

/** Lines over time. `stacked`: for parts of a whole. */
export function lines(
  text: PanelText & { stacked?: boolean; widthOf24?: number },
  queries: Query[],
): TimeseriesBuilder {
  const panel = new TimeseriesBuilder()
    .title(text.title)
    .description(text.description)
    .unit(text.unit)
    .datasource(datasource)
    .span(text.widthOf24 ?? 6)
    .height(7)
    .min(0)
    .lineWidth(1)
    .fillOpacity(text.stacked ? 30 : 8)
    .gradientMode(GraphGradientMode.None)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
  if (text.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  for (const target of targets(queries)) panel.withTarget(target);
  return panel;
}

/** One number, green until the first threshold. */
export function number(
  text: PanelText & { widthOf24: number; thresholds?: { value: number; color: string }[] },
  query: Query,
): StatBuilder {
  const panel = new StatBuilder()
    .title(text.title)
    .description(text.description)
    .unit(text.unit)
    .datasource(datasource)
    .span(text.widthOf24)
    .height(4)
    .graphMode(BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .thresholds(
      new ThresholdsConfigBuilder()
        .mode(ThresholdsMode.Absolute)
        .steps([{ value: null, color: 'green' }, ...(text.thresholds ?? [])]),
    );
  for (const target of targets([query])) panel.withTarget(target);
  return panel;
}

function targets(queries: Query[]): DataqueryBuilder[] {
  return queries.map(({ expr, legend }, index) =>
    new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + index))
      .datasource(datasource)
      .expr(expr)
      .legendFormat(legend)
      .range(),
  );
}
