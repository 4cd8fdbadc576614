import type { Config } from 'vega-lite';
import type { ChartSpec } from '../page.ts';

/** One drawing for wide pages and one for phones: text keeps its size, so a drawing cannot just shrink. */
export type ChartShape = 'wide' | 'narrow';

const sizes = {
  wide: { width: 760, height: 400, columns: 4 },
  narrow: { width: 300, height: 300, columns: 2 },
} as const;

/** Of the whole drawing where it is one chart; of each of those that stand beside each other otherwise. */
export function chartSizes(spec: ChartSpec, shape: ChartShape): object {
  const { width, height, columns } = sizes[shape];
  if ('facet' in spec) {
    const each = Math.floor(width / columns) - 34;
    return { columns, spec: { ...spec.spec, width: each, height: Math.round(each * 0.7) } };
  }
  if ('height' in spec) return { width, autosize: { type: 'fit-x', contains: 'padding' } };
  return { width, height, autosize: { type: 'fit', contains: 'padding' } };
}

export function chartTheme(shape: ChartShape): Config {
  const fontSize = 12;
  const words = {
    labelFontSize: fontSize,
    titleFontSize: fontSize,
    labelFont: 'inherit',
    titleFont: 'inherit',
  };
  return {
    background: 'transparent',
    font: 'inherit',
    padding: { left: 2, right: 10, top: 6, bottom: 2 },
    view: { stroke: null },
    axis: {
      ...words,
      labelColor: 'var(--muted)',
      titleColor: 'var(--ink)',
      titleFontWeight: 500,
      titlePadding: 10,
      domainColor: 'var(--line-strong)',
      tickColor: 'var(--line-strong)',
      gridColor: 'var(--line)',
      labelOverlap: true,
    },
    axisX: { grid: false, tickCount: shape === 'wide' ? 8 : 4 },
    axisY: { domain: false, ticks: false, labelPadding: 6, tickCount: 6 },
    legend: {
      ...words,
      orient: 'top',
      direction: 'horizontal',
      columns: shape === 'wide' ? 6 : 2,
      labelLimit: shape === 'wide' ? 240 : 120,
      labelColor: 'var(--ink)',
      titleColor: 'var(--ink)',
      symbolSize: 80,
      columnPadding: 14,
      offset: 10,
    },
    header: { labelFont: 'inherit', labelFontSize: fontSize, labelColor: 'var(--ink)', labelFontWeight: 500 },
    bar: { cornerRadiusEnd: 2 },
  };
}
