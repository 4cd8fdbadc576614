import type { ChartSpec } from '../page.ts';
import { chartSizes, chartTheme, type ChartShape } from './chart-theme.ts';
import type { DrawnScale } from './drawn-scale.ts';
import { tidySvg } from './tidy-svg.ts';

export interface DrawnChart {
  readonly svg: string;
  /** Of x and y, where the chart has one of each over numbers; the origin of the drawing is theirs. */
  readonly scales: { readonly x: DrawnScale; readonly y: DrawnScale } | undefined;
}

/**
 * Compiles a spec and draws it without a browser. Colours stay CSS variables.
 *
 * @param prefix of the ids in it
 */
export async function chartSvg(spec: ChartSpec, shape: ChartShape, prefix: string): Promise<DrawnChart> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const sized = { ...spec, ...chartSizes(spec, shape), config: chartTheme(shape) } as ChartSpec;
  const view = new vega.View(vega.parse(compile(sized, { logger: silent }).spec), {
    renderer: 'none',
    loader: nothingLoaded,
    logger: silent,
  });
  try {
    await view.runAsync();
    const svg = tidySvg(await view.toSVG(), prefix);
    return { svg, scales: 'facet' in spec ? undefined : scalesOf(view) };
  } finally {
    view.finalize();
  }
}

interface Scaled {
  readonly scale: (name: string) => unknown;
  readonly origin: () => unknown;
}

function scalesOf(view: Scaled): DrawnChart['scales'] {
  const [left, top] = view.origin() as readonly [number, number];
  try {
    const x = scaleOf(view.scale('x'), left);
    const y = scaleOf(view.scale('y'), top);
    return x === undefined || y === undefined ? undefined : { x, y };
  } catch {
    // A chart without such a scale says so by throwing.
    return undefined;
  }
}

function scaleOf(found: unknown, origin: number): DrawnScale | undefined {
  const scale = found as { type: string; domain: () => readonly unknown[]; range: () => readonly unknown[] };
  const [from, to] = scale.domain();
  const [start, end] = scale.range();
  if (typeof from !== 'number' || typeof to !== 'number') return undefined;
  if (typeof start !== 'number' || typeof end !== 'number') return undefined;
  return { type: scale.type, domain: [from, to], range: [start + origin, end + origin] };
}

const nothingLoaded = {
  load: () => Promise.reject(new Error('a chart of a report loads nothing')),
  sanitize: () => Promise.reject(new Error('a chart of a report links to nothing')),
  http: () => Promise.reject(new Error('a chart of a report loads nothing')),
  file: () => Promise.reject(new Error('a chart of a report loads nothing')),
};

const silent = {
  level: () => silent,
  error: () => silent,
  warn: () => silent,
  info: () => silent,
  debug: () => silent,
};
