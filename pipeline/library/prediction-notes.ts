import { measureNames } from '../measure/measure-names.ts';
import type { Manifest } from './manifest.ts';

/** How well compositions are predicted, for the README of a library; empty where nothing was tried. */
export function predictionNotes({ additivity, predictor, teacher }: Manifest): string {
  if (additivity === undefined) return '';
  const { top1 } = measureNames(teacher.measure?.kind);
  const line = (name: string, { all, mild }: NonNullable<typeof additivity.predictor>) =>
    `| ${name} | ${[all, mild]
      .map(
        ({ compositions, spearman, meanAbsoluteErrorPp, maxAbsoluteErrorPp }) =>
          `${compositions} | ${[spearman, meanAbsoluteErrorPp, maxAbsoluteErrorPp]
            .map((value) => value?.toFixed(2) ?? '-')
            .join(' | ')}`,
      )
      .join(' | ')} |`;
  const { acrossImages } = additivity;
  const rows = [
    line('sum of `deltas.teacher`', acrossImages.teacherSum),
    line('sum of `deltas.average`', acrossImages.averageSum),
    ...(acrossImages.predictor === null
      ? []
      : [line('`predictor`, cross-validated', acrossImages.predictor)]),
    line('measuring it, on the first images', acrossImages.measured),
  ];
  return `How well the loss of a composition is predicted from its blocks, tried on random compositions: predicted from ${acrossImages.images} images,
measured on as many others, and the other way round. Left all of them, right those that lose less than 10 points; errors are in percentage
points of ${top1}. The last line is the noise in all of them. A prediction is no measurement: check the composition you ship.

| predicted by | models | rank correlation | mean error | largest | models | rank correlation | mean error | largest |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

${
  predictor === undefined
    ? ''
    : `\`predictor\`: points of ${top1} lost = ceilingPp * (1 - exp(-(K / scale) ^ exponent)), where K sums ${summedText(predictor)}

`
}`;
}

function summedText({ weights, chosen }: NonNullable<Manifest['predictor']>): string {
  if (weights === undefined) return '`deltas.average.klIncrease` over the blocks.';
  const mean = chosen?.all.meanAbsoluteErrorPp?.toFixed(2) ?? '-';
  const on =
    chosen === undefined
      ? ''
      : ` On ${chosen.all.compositions} compositions chosen by K, cross-validated, its mean error is ${mean} points.`;
  return `\`weights[context] * deltas[context].klIncrease\` over blocks and contexts.${on}`;
}
