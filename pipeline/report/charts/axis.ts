/** Of a chart over numbers. */
export interface NumberAxis {
  readonly title: string;
  readonly log?: boolean | undefined;
  /** Of d3-format, e.g. `~s` for 1.5M; default: as Vega writes numbers. */
  readonly format?: string | undefined;
  /** Whether 0 has to be on it; default no. */
  readonly zero?: boolean | undefined;
}

/**
 * The axis as a channel of Vega-Lite, over a field.
 *
 * @param values what is drawn along it: chooses the ticks of a logarithmic axis
 */
export function channelOf(
  field: string,
  { title, log, format, zero }: NumberAxis,
  values: readonly number[] = [],
) {
  const ticks = log === true ? logTicks(values) : undefined;
  return {
    field,
    type: 'quantitative' as const,
    title,
    scale:
      log === true ? { type: 'log' as const, nice: false, padding: 12 } : { zero: zero ?? false, nice: true },
    axis: {
      ...(format === undefined ? {} : { format }),
      ...(ticks === undefined ? {} : { values: [...ticks] }),
    },
  };
}

/** Few round numbers; Vega draws a line for every tenth of a decade. */
export function logTicks(values: readonly number[]): readonly number[] | undefined {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  if (positive.length === 0) return undefined;
  const least = positive.reduce((a, b) => Math.min(a, b));
  const most = positive.reduce((a, b) => Math.max(a, b));
  const decades = Math.log10(most / least);
  const steps =
    decades < 0.5
      ? [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]
      : decades < 1.2
        ? [1, 1.5, 2, 3, 5, 7]
        : decades < 2.5
          ? [1, 2, 5]
          : [1];
  const first = Math.floor(Math.log10(least));
  const powers = Array.from({ length: Math.ceil(decades) + 2 }, (_, i) => first + i);
  const ticks = powers
    .flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))
    .filter((tick) => tick >= least * 0.999 && tick <= most * 1.001);
  return ticks.length < 2 ? undefined : ticks;
}
