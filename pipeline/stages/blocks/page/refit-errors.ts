import { twoSidedQuantile } from '../../../measure/interval.ts';
import { kindsOf } from '../../../report/charts/kinds.ts';
import { pointsChart } from '../../../report/charts/points.ts';
import type { ChartPart } from '../../../report/page.ts';
import { median as medianOf } from '../../../util/quantile.ts';
import { placeText } from './heat-maps.ts';
import type { Told } from './told.ts';
import { countText, errorText, fixed, removedText } from './words.ts';

/** What the refit predicted of its own error, and what it was on tokens that it had not seen. */
export interface RefitError {
  readonly id: string;
  readonly says: string;
  readonly sparsity: number;
  readonly predicted: number;
  readonly measured: number;
  /** Undefined where too few images were held out. */
  readonly standardError: number | undefined;
}

export function refitErrors({ run }: Pick<Told, 'run'>): RefitError[] {
  return run.library.manifest.blocks.flatMap(({ index, hidden, descendants }) =>
    descendants.slice(1).flatMap((item) => {
      const {
        id,
        sparsity,
        predictedError: predicted,
        heldOutError,
        refitStandardError: standardError,
      } = item;
      const measured = heldOutError?.refit;
      // A logarithm shows neither 0 nor less.
      if (predicted === null || measured === undefined || !(predicted > 0) || !(measured > 0)) return [];
      const error = standardError === undefined ? '' : ` ± ${errorText(standardError)}`;
      const says = `${placeText(item, index, hidden)}: predicted ${errorText(predicted)}, measured ${errorText(measured)}${error}`;
      return [{ id, says, sparsity, predicted, measured, standardError }];
    }),
  );
}

export function errorsChart(told: Told): ChartPart[] {
  const errors = refitErrors(told);
  if (errors.length === 0) return [];
  const z = twoSidedQuantile(told.confidence);
  const all = errors.flatMap(({ predicted, measured }) => [predicted, measured]);
  const ends = [Math.min(...all), Math.max(...all)];
  const { median, least, most } = ratios(errors);
  return [
    pointsChart({
      title: 'Predicted error E(S) of every refit against what it was on held-out tokens',
      alternative:
        `Measured against predicted output error of ${countText(errors.length)} refits, both axes logarithmic, from ${errorText(ends[0]!)} to ${errorText(ends[1]!)}; the dashed line is equality. ` +
        `Measured is ${fixed(median, 2)} times predicted at the median, between ${fixed(least, 2)} and ${fixed(most, 2)} times.`,
      points: errors.map(({ says, sparsity, predicted, measured, standardError }) => ({
        x: predicted,
        y: measured,
        ...(standardError !== undefined &&
          measured > z * standardError && {
            yLow: measured - z * standardError,
            yHigh: measured + z * standardError,
          }),
        kind: `${removedText(sparsity)} removed`,
        says,
      })),
      x: { title: 'predicted in closed form', log: true, format: '.0e' },
      y: { title: 'measured on held-out tokens', log: true, format: '.0e' },
      kinds: kindsOf([...new Set(errors.map(({ sparsity }) => `${removedText(sparsity)} removed`))]),
      front: ends.map((end) => ({ x: end, y: end })),
    }),
  ];
}

/** Measured over predicted. */
export function ratios(errors: readonly RefitError[]): {
  readonly median: number;
  readonly least: number;
  readonly most: number;
} {
  const all = errors.map(({ predicted, measured }) => measured / predicted);
  return { median: medianOf(all), least: Math.min(...all), most: Math.max(...all) };
}
