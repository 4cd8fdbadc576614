import { additivityErrors, type PredictionErrors } from './additivity.ts';
import { crossPredict, fitCurve, type Curve } from './predictor.ts';

/** What single-block measurements say about one choice of descendants, and what was measured. */
export interface MeasuredComposition {
  /** Sums over the blocks: top-1 losses (points) in the teacher's context and averaged, and the averaged KL increase. */
  readonly teacherLossPp: number;
  readonly averageLossPp: number;
  readonly klIncrease: number;
  /** Of the whole model. */
  readonly measuredLossPp: number;
}

export interface SplitErrors {
  readonly all: PredictionErrors;
  /** Those whose measured loss is below `mildLossPp`. */
  readonly mild: PredictionErrors;
}

export interface AdditivityReport {
  readonly images: number;
  /** Predicting the loss by the sum of the deltas in the teacher's context ... */
  readonly teacherSum: SplitErrors;
  /** ... by the sum of the deltas averaged over the contexts ... */
  readonly averageSum: SplitErrors;
  /** ... and by the predictor, each composition by a curve fitted without it. */
  readonly predictor: SplitErrors | null;
}

/** Loss of top-1 in points = `ceilingPp * (1 - exp(-(sum of klIncrease / scale) ^ exponent))`. */
export interface Predictor {
  readonly kind: 'kl-curve';
  readonly parameters: Curve;
  /** Two-fold: fitted on half of the random compositions and the uniform models, tried on the other half. */
  readonly crossValidated: SplitErrors;
}

/**
 * Compares predictions with measurements over random compositions, and fits the predictor.
 * @param random in the order they were drawn, so that either half of them (by parity) covers the range
 * @param anchors uniform models: known in any case, so they take part in every fit
 * @param ceilingPp the teacher's top-1 minus chance
 */
export function predictCompositions(
  random: readonly MeasuredComposition[],
  anchors: readonly MeasuredComposition[],
  ceilingPp: number,
  images: number,
): { readonly additivity: AdditivityReport; readonly predictor: Predictor | null } {
  const measured = random.map(({ measuredLossPp }) => measuredLossPp);
  const errors = (predicted: readonly number[]) => additivityErrors(predicted, measured);
  const sample = ({ klIncrease, measuredLossPp }: MeasuredComposition) => ({
    cost: klIncrease,
    lossPp: measuredLossPp,
  });
  const [samples, fixed] = [random.map(sample), anchors.map(sample)];
  const predicted = crossPredict(samples, fixed, ceilingPp);
  const parameters = fitCurve([...samples, ...fixed], ceilingPp);
  const crossValidated = predicted === null ? null : errors(predicted);
  return {
    additivity: {
      images,
      teacherSum: errors(random.map(({ teacherLossPp }) => teacherLossPp)),
      averageSum: errors(random.map(({ averageLossPp }) => averageLossPp)),
      predictor: crossValidated,
    },
    predictor:
      parameters === null || crossValidated === null
        ? null
        : { kind: 'kl-curve', parameters, crossValidated },
  };
}
