import type { Interval } from '../../../measure/interval.ts';
import type { PredictionErrors } from '../../../measure/additivity.ts';
import { mildLossPp } from '../../../measure/additivity.ts';
import type { AdditivityReport, SplitErrors } from '../../../measure/predict-compositions.ts';
import { formatDuration } from '../../../util/format.ts';
import { measureNames, type MeasureKind, type MeasureNames } from '../../../measure/measure-names.ts';
import type { MeasuredAllocation } from '../../../measure/allocations.ts';
import type { Measured, MeasuredUniform } from '../../../measure/measured.ts';
import { flatteredText } from '../../../library/manifest-parts.ts';
import type { Manifest } from '../../../library/manifest.ts';
import { describeFittedOn } from '../../../recipe/fitted-on.ts';
import type { Polished, RankingFile, TestReport } from '../artefacts.ts';
import { removedPercent } from '../shape.ts';

/** What the report says of its run. */
export interface ReportedRun {
  readonly name: string;
  readonly engine: string;
  readonly seed: number;
  readonly confidence: number;
  /** Which classes the models tell apart. */
  readonly classes: string;
  /** Of the library that it reports on. */
  readonly manifest: Pick<Manifest, 'data' | 'fitted'>;
  /** What its numbers are; default: of classifiers. */
  readonly measure?: MeasureKind | undefined;
}

/** report.md: whole models on both splits, and how far predictions can be trusted. */
export function describeReport(
  { name, engine, seed, confidence, classes, manifest, measure }: ReportedRun,
  ranking: RankingFile,
  test: TestReport,
  polished: readonly Polished[],
): string {
  const selection = flatteredText(manifest.data.selection);
  const names = measureNames(measure);
  const fitted = manifest.fitted === undefined ? '' : ` Images: ${describeFittedOn(manifest.fitted)}.`;
  return `# ${name}

${names.Top1} in percent, ${confidence * 100} % intervals, seed ${seed}, engine ${engine}.
Classes: ${classes}.${fitted}

## Selection split, ${ranking.teacher.images} images: what the ranking was made from

${selection}${wholeModels(ranking.teacher, ranking.uniform, ranking.allocated)}
${allocationNote(ranking.allocated)}
${predictions(ranking, selection, names)}## Test split, ${test.images} images: used for nothing else

${flatteredText(manifest.data.test)}${
    test.teacher === undefined
      ? 'The config asks for no test images.'
      : wholeModels(test.teacher, test.uniform ?? [], test.allocated ?? [])
  }

${distillation(test, names)}${polishing(polished, test, selection)}The library and its ranking: ../../library (\`npm run pipeline -- show\`).
`;
}

function wholeModels(
  teacher: Measured,
  uniform: readonly MeasuredUniform[],
  allocated: readonly MeasuredAllocation[],
): string {
  const cell = (measured: Measured | undefined) =>
    measured === undefined ? '-' : interval(measured.top1Percent);
  return [
    '| model | as cut | refit | distilled | distilled - refit, pp | allocated at the same size | allocated - uniform, pp |',
    '|---|---|---|---|---|---|---|',
    `| teacher | ${cell(teacher)} | | | | | |`,
    ...uniform.map(({ sparsity, pruned, refit, distilled, gainsPp }) => {
      const own = allocated.find((item) => item.sparsity === sparsity);
      return `| uniform, ${Math.round(sparsity * 100)} % removed | ${cell(pruned)} | ${cell(refit)} | ${cell(distilled)} | ${
        gainsPp?.distilled === undefined ? '-' : interval(gainsPp.distilled)
      } | ${cell(own?.measured)} | ${own === undefined ? '-' : interval(own.versusUniformPp)} |`;
    }),
  ].join('\n');
}

function distillation({ distillation: gain }: TestReport, { divergence }: MeasureNames): string {
  if (gain === undefined) return '';
  const { widths, points, seconds } = gain;
  const times = points.map(
    ({ timeShare, seconds }) => `${formatDuration(seconds)} (${Math.round(100 * timeShare)} %)`,
  );
  const rows = widths.map(
    (width, index) =>
      `| ${width} | ${points.map(({ removed }) => `${(100 * removed[index]!).toFixed(1)} %`).join(' | ')} |`,
  );
  return `## What distillation gained per minute

The share of the refit's ${divergence} that training removed (from the teacher to the model of this width in every block, on held-out
calibration images); a kept refit counts 0. Time is summed over the jobs, ${formatDuration(seconds)} in all, and was less on the
clock where several trained at once.

| width | ${times.join(' | ')} |
|---|${'---|'.repeat(times.length)}
${rows.join('\n')}

`;
}

function polishing(polished: readonly Polished[], test: TestReport, warning: string): string {
  if (polished.length === 0) return '';
  const rows = polished.map(({ sparsity, before, after, gainPp, losses }) => {
    const onTest = test.polished?.find((item) => item.sparsity === sparsity)?.measured;
    return `| ${removedPercent(sparsity)} % | ${interval(before.top1Percent)} | ${interval(after.top1Percent)} | ${interval(gainPp)} | ${
      onTest === undefined ? '-' : interval(onTest.top1Percent)
    } | ${losses.length} |`;
  });
  return `## Polished: whole models distilled end to end, without labels

Apart from everything above, whose blocks are trained to serve in any composition. These weights are in runs/<name>/polish, not in the library: a
polished block serves its own model only.

${warning}| removed in every block | before, selection | after, selection | gain, pp | after, test | steps |
|---|---|---|---|---|---|
${rows.join('\n')}

`;
}

function allocationNote(allocated: readonly MeasuredAllocation[]): string {
  if (allocated.length === 0) return '';
  const widths = allocated.map(
    ({ sparsity, costs, widths, ffnParams, budgetParams }) =>
      `- ${Math.round(sparsity * 100)} %: ${widths.join(' ')} (${ffnParams} of ${budgetParams} FFN parameters; ${
        costs === 'uniform' ? 'nothing diverged less' : `by the divergences of: ${costs}`
      })`,
  );
  return `
Allocated: the widths that add the least divergence from the teacher at no more FFN parameters than the uniform model, by the
divergences of single blocks in one context or averaged; of these candidates and the uniform model, the one measured closest to the teacher.
They were chosen by measurements on the selection split, so their numbers on it are optimistic; those on the test split are not.

${widths.join('\n')}
`;
}

function predictions(
  { additivity }: RankingFile,
  warning: string,
  { top1, divergence }: MeasureNames,
): string {
  if (additivity === null) return '';
  const row = (name: string, errors: SplitErrors | null) =>
    errors === null ? [] : [`| ${name} | ${numbers(errors.all)} | ${numbers(errors.mild)} |`];
  const table = (
    { teacherSum, averageSum, predictor }: Pick<AdditivityReport, 'teacherSum' | 'averageSum' | 'predictor'>,
    ...last: readonly string[]
  ) =>
    [
      '| predicted by | rank correlation | mean error | largest | rank correlation | mean error | largest |',
      '|---|---|---|---|---|---|---|',
      ...row('sum of deltas, teacher context', teacherSum),
      ...row('sum of deltas, averaged contexts', averageSum),
      ...row(`curve over summed ${divergence}, cross-validated`, predictor),
      ...last,
    ].join('\n');
  const { teacherSum, acrossImages, imageNoisePp } = additivity;
  const perfect = [imageNoisePp.all, imageNoisePp.mild].map((value) => `- | ${value?.toFixed(2) ?? '-'} | -`);
  return `## Predicting a composition from its blocks: ${teacherSum.all.compositions} random compositions

${warning}Predicted against measured loss of ${top1} in percentage points. Left all of them, right those that lose less than ${mildLossPp} points.
On the same ${additivity.images} selection images, ${teacherSum.mild.compositions} of them mild; sums of ${top1} deltas share the luck of these images with what they predict:

${table(additivity, `| the true loss: what ${additivity.images} images are off by | ${perfect.join(' | ')} |`)}

From ${acrossImages.images} of the images to the others, both ways; the last line is the noise that is in all of them:

${table(acrossImages, ...row('measuring it on the first half', acrossImages.measured))}

`;
}

function numbers({ spearman, meanAbsoluteErrorPp, maxAbsoluteErrorPp }: PredictionErrors): string {
  const fixed = (value: number | null, digits: number) => (value === null ? '-' : value.toFixed(digits));
  return `${fixed(spearman, 3)} | ${fixed(meanAbsoluteErrorPp, 2)} | ${fixed(maxAbsoluteErrorPp, 2)}`;
}

function interval({ mean, low, high }: Interval): string {
  return `${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}
