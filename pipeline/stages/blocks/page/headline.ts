import { toleratedLossPp } from '../../../library/recommended-model.ts';
import { formatBytes, formatCount } from '../../../util/format.ts';
import { timeNoise } from './time-noise.ts';
import { stepGains } from './step-gains.ts';
import type { ReportedModel } from './reported-models.ts';
import type { Told } from './told.ts';
import { listed, millisecondsText, percentText, pointsText, removedText, shareText } from './words.ts';

/** What came of the run, in up to three sentences. */
export function headline(told: Told): string[] {
  const { teacher, recommended, final, run, names } = told;
  const own = final.of(teacher);
  if (own === undefined) return [];
  const flattered = final.warning === undefined ? '' : ' (images that the teacher may have been trained on)';
  const isRight = `The teacher ${names.isRight} on ${percentText(own.top1Percent)} of ${final.words}${flattered}`;
  const model = recommended?.model;
  const small = model && final.of(model);
  if (model === undefined || small === undefined) return [`${isRight}.`];
  const { low, high } = small.top1DeltaPp;
  const verdict =
    low <= 0 && high >= 0
      ? ', which these images cannot tell from no difference'
      : high < 0
        ? ', a loss clear of zero'
        : ', a gain clear of zero';
  const { latency } = run;
  const parts = latency.isWhole ? 'it takes' : 'its feed-forward blocks alone take';
  const time =
    timeNoise(run) === undefined
      ? `; ${parts} ${millisecondsText(model.latencyMs)} instead of ${millisecondsText(teacher.latencyMs)} (p50, batch ${latency.batchSize})`
      : '';
  return [
    `${isRight}; the recommended smaller model (${inWords(model)}) on ${percentText(small.top1Percent)}: ${pointsText(small.top1DeltaPp)}${verdict}.`,
    `That model has ${shareText(model.params, teacher.params)} of the parameters (${formatCount(model.params)} of ${formatCount(teacher.params)}), ` +
      `${shareText(model.macs, teacher.macs)} of the multiply-adds and ${shareText(model.sizeBytes, teacher.sizeBytes)} of the bytes (${formatBytes(model.sizeBytes)} of ${formatBytes(teacher.sizeBytes)})${time}.`,
    ...gained(told),
  ];
}

/** For who has not read the table yet. */
function inWords({ kind, sparsity }: ReportedModel): string {
  const removed = `${removedText(sparsity)} of the hidden units`;
  return kind === 'allocated'
    ? `widths chosen block by block, at the size of ${removed} removed`
    : `${removed} of every block removed, ${kind}`;
}

/** What each step gave where most was cut. */
function gained({ run, final, models }: Told): string[] {
  const gains = stepGains(run, final.name).at(-1);
  if (gains === undefined) return [];
  const { sparsity, steps } = gains;
  const cut = models.find((model) => model.kind === 'pruned' && model.sparsity === sparsity);
  const left = cut && final.of(cut);
  if (steps.length === 0) return [];
  const told = listed(steps.map(({ name, gain }) => `${name} ${pointsText(gain)}`));
  const removed = `${removedText(sparsity)} of the hidden units`;
  return [
    left === undefined
      ? `Where most was removed (${removed}), against the step before: ${told}.`
      : `Where most was removed (${removed}), cutting alone leaves ${percentText(left.top1Percent)}. Gained from there, step by step: ${told}.`,
  ];
}

/** How the recommended model was chosen, for whoever doubts it. */
export function ruleText({ recommended, selection, confidenceText, names }: Told): string | undefined {
  if (recommended === undefined) return undefined;
  const { model, withinTolerance } = recommended;
  const limit = `${toleratedLossPp} pp of ${names.top1}`;
  const measured = model.selection && pointsText(model.selection.top1DeltaPp);
  return withinTolerance
    ? `Recommended is the leanest whole model whose loss on the selection split is at most ${limit} even at the far end of its ${confidenceText} interval: ` +
        `${model.label}, ${measured} against the teacher on ${selection.words}. The test split had no say in it. Who can lose more, or less, sets that in the next section.`
    : `No whole model's loss stayed within ${limit} at the far end of its ${confidenceText} interval on the ${selection.words}; recommended is the best trade instead, ` +
        `the one that may have lost least per parameter saved: ${model.label}, ${measured} against the teacher. What you need may be another: set it in the next section.`;
}
