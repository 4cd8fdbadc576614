import { predictionErrors, type PredictionErrors } from '../../../measure/additivity.ts';
import { crossPredict } from '../../../measure/predictor.ts';
import { twoSidedQuantile } from '../../../measure/interval.ts';
import type { Manifest, ManifestDescendant } from '../../../library/manifest.ts';
import { predictorCost } from '../../../library/predictor-cost.ts';
import { rankedDelta } from '../../../library/ranked-delta.ts';
import { predictedChart } from '../../../report/charts/predicted.ts';
import type { Section } from '../../../report/page.ts';
import { known } from '../../../util/known.ts';
import type { BlocksRun } from './read-run.ts';
import type { Told } from './told.ts';
import { fixed, pointsCell } from './words.ts';

/** A random composition: its loss as predicted from its blocks, and as measured whole. Points of top-1. */
export interface PredictedComposition {
  readonly widths: readonly number[];
  readonly predictedPp: number;
  readonly measuredPp: number;
  readonly standardErrorPp: number;
}

export interface Predictions {
  readonly compositions: readonly PredictedComposition[];
  /** By a curve that never saw what it predicts, or for want of one by the sum of the blocks' losses. */
  readonly by: 'curve' | 'sum';
  readonly errors: PredictionErrors;
}

/** Undefined where no random composition was measured. */
export function predictions({ library: { manifest }, random }: BlocksRun): Predictions | undefined {
  if (random.length === 0) return undefined;
  const curve = manifest.predictor?.parameters;
  const samples = random.map(({ klIncrease, measuredLossPp }) => ({
    cost: klIncrease,
    lossPp: measuredLossPp,
  }));
  const crossed = curve && crossPredict(samples, uniformSamples(manifest), curve.ceilingPp);
  const predicted =
    crossed ??
    random.map(({ widths }) => sumOf(manifest, widths, (item) => 0 - rankedDelta(item).top1Pp.mean));
  const compositions = random.map(({ widths, measuredLossPp, standardErrorPp }, index) => ({
    widths,
    predictedPp: predicted[index]!,
    measuredPp: measuredLossPp,
    standardErrorPp,
  }));
  return {
    compositions,
    by: crossed ? 'curve' : 'sum',
    errors: predictionErrors(
      predicted,
      random.map(({ measuredLossPp }) => measuredLossPp),
    ),
  };
}

/** Uniform models take part in every fit: they are measured anyway. */
function uniformSamples(manifest: Manifest) {
  const widthOf = new Map(
    manifest.blocks.flatMap(({ descendants }) => descendants.map(({ id, width }) => [id, width])),
  );
  return manifest.uniform.map(({ descendants, refit, distilled }) => ({
    cost: sumOf(
      manifest,
      descendants.map((id) => known(widthOf, id)),
      (item) => predictorCost(manifest, item),
    ),
    lossPp: -(distilled ?? refit).top1DeltaPp.mean,
  }));
}

function sumOf(
  { blocks }: Manifest,
  widths: readonly number[],
  of: (item: ManifestDescendant) => number,
): number {
  return widths.reduce((sum, width, block) => {
    const found = blocks[block]?.descendants.find((item) => item.width === width);
    return sum + (found === undefined ? NaN : of(found));
  }, 0);
}

export function predictionSection(told: Told): Section | undefined {
  const { run, selection, confidence, confidenceText } = told;
  const found = predictions(run);
  if (found === undefined) return undefined;
  const { compositions, by, errors } = found;
  const z = twoSidedQuantile(confidence);
  const how =
    by === 'curve'
      ? 'by one curve over the divergences that its blocks add, fitted without the composition it predicts'
      : 'by the sum of what its blocks lose alone';
  return {
    id: 'predictions',
    title: 'Can a model be predicted from its blocks?',
    lead: `Random compositions, measured whole on ${selection.words} and predicted from single blocks ${how}. The budget above rests on this.`,
    parts: [
      predictedChart({
        title: 'Loss of random compositions',
        alternative: `Measured against predicted loss of ${compositions.length} random compositions; the dashed line is equality. ${errorsText(errors, run)}`,
        points: compositions.map(({ widths, predictedPp, measuredPp, standardErrorPp }) => ({
          predicted: predictedPp,
          measured: measuredPp,
          low: measuredPp - z * standardErrorPp,
          high: measuredPp + z * standardErrorPp,
          kind: 'random',
          says: `widths ${widths.join(' ')}: predicted ${fixed(predictedPp)} pp lost, measured ${fixed(measuredPp)} pp [${fixed(measuredPp - z * standardErrorPp)}, ${fixed(measuredPp + z * standardErrorPp)}]`,
        })),
        of: `loss of ${told.names.top1}, points`,
        numbers: {
          kind: 'table',
          caption: `Random compositions: loss of ${told.names.top1}`,
          columns: [
            { title: 'widths' },
            { title: 'predicted, pp', align: 'right' },
            { title: 'measured, pp', align: 'right' },
          ],
          rows: compositions.map(({ widths, predictedPp, measuredPp: mean, standardErrorPp }) => [
            { text: widths.join(' ') },
            { text: fixed(predictedPp), value: predictedPp },
            {
              text: pointsCell({ mean, low: mean - z * standardErrorPp, high: mean + z * standardErrorPp }),
              value: mean,
            },
          ]),
        },
      }),
      {
        kind: 'text',
        text: `${errorsText(errors, run)} Bars are ${confidenceText} intervals of the measurement.`,
      },
    ],
  };
}

export function errorsText(
  { compositions, meanAbsoluteErrorPp, maxAbsoluteErrorPp, spearman }: PredictionErrors,
  run: BlocksRun,
): string {
  const noise = run.library.manifest.additivity?.imageNoisePp.all;
  if (meanAbsoluteErrorPp === null || maxAbsoluteErrorPp === null) return '';
  const rank = spearman === null ? '' : `; rank correlation ${fixed(spearman, 2)}`;
  const apart =
    noise === undefined
      ? ''
      : ` A perfect prediction would look ${fixed(noise, 2)} pp off, because so few images are off themselves.`;
  return `Over ${compositions} compositions the prediction is off by ${fixed(meanAbsoluteErrorPp, 2)} pp on average, ${fixed(maxAbsoluteErrorPp, 2)} pp at most${rank}.${apart}`;
}
