import { measureNames } from '../../measure/measure-names.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import { barsChart } from '../charts/bars.ts';
import { kindsOf } from '../charts/kinds.ts';
import { pointsChart } from '../charts/points.ts';
import { comparedName, comparedTitle, type ComparedRun } from '../compared-run.ts';
import type { ChartPart } from '../page.ts';
import { signedPoints, type FoundDifference } from './model-tables.ts';

const costs = [
  { cost: 'params', words: 'parameters', format: '~s', show: formatCount },
  { cost: 'macs', words: 'multiply-adds per image', format: '~s', show: formatCount },
  { cost: 'sizeBytes', words: 'size, bytes', format: '~s', show: formatBytes },
  { cost: 'latencyMs', words: 'latency, ms', format: '~r', show: (ms: number) => `${ms.toPrecision(3)} ms` },
] as const;

/** Right images against each cost that models of two runs or more have, by run. */
export function costCharts(runs: readonly ComparedRun[]): ChartPart[] {
  const kinds = kindsOf(runs.map(({ name }) => name));
  const [name, title] = [comparedName(runs), comparedTitle(runs)];
  return costs.flatMap(({ cost, words, format, show }) => {
    const points = runs.flatMap((run) =>
      run.models.flatMap(({ label, top1Percent: { mean, low, high }, [cost]: value }) =>
        value === undefined
          ? []
          : [
              {
                x: value,
                y: mean,
                yLow: low,
                yHigh: high,
                kind: run.name,
                says: `${run.name}, ${label}: ${measureNames(run.measure).top1} ${mean.toFixed(1)} % (${low.toFixed(1)} to ${high.toFixed(1)}), ${show(value)}`,
              },
            ],
      ),
    );
    if (new Set(points.map(({ kind }) => kind)).size < 2) return [];
    return [
      pointsChart({
        title: `${title} against ${words}, by run`,
        alternative: runs
          .map((run) => {
            const own = points.filter(({ kind }) => kind === run.name);
            const [low, high] = [Math.min(...own.map(({ y }) => y)), Math.max(...own.map(({ y }) => y))];
            return own.length === 0
              ? `${run.name} has none`
              : `${run.name}: ${own.length} models, ${measureNames(run.measure).top1} from ${low.toFixed(1)} to ${high.toFixed(1)} %`;
          })
          .join('; '),
        points,
        kinds,
        x: { title: words, format },
        y: { title: `${name}, %` },
      }),
    ];
  });
}

/** A bar for each model that two runs have. */
export function differenceChart(
  reference: ComparedRun,
  runs: readonly ComparedRun[],
  found: readonly FoundDifference[],
): ChartPart {
  return barsChart({
    title: `${comparedTitle(runs)} against ${reference.name}, points`,
    alternative: `Differences of ${found.length} models with their intervals; the table below has the numbers.`,
    // The colours that the runs have in the other charts.
    kinds: kindsOf(runs.map(({ name }) => name)),
    x: { title: `points of ${comparedName(runs)}` },
    y: 'model',
    bars: found.map(({ label, run, found: { mean, low, high, isPaired } }) => ({
      label,
      value: mean,
      low,
      high,
      kind: run.name,
      says: `${run.name}, ${label}: ${signedPoints(mean)} points (${signedPoints(low)} to ${signedPoints(high)}), ${isPaired ? 'paired' : 'unpaired'}`,
    })),
  });
}
