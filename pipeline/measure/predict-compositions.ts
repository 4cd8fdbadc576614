import { random } from '../util/random.ts';
import { additivityErrors, mildLossPp, type PredictionErrors } from './additivity.ts';
import { fitContextWeights, weightedCost } from './context-weights.ts';
import type { Context, ContextName } from './contexts.ts';
import { deltasOf, type Deltas } from './deltas.ts';
import { crossPredict, fitCurve, type Curve, type Sample } from './predictor.ts';
import { selectImages, summariseScores, type Scores } from './scores.ts';
import { known } from '../util/known.ts';

/** One width for every block, and the id under which the whole model was scored. */
export interface ScoredComposition {
  readonly id: string;
  readonly widths: readonly number[];
}

/** What single-block measurements say about one choice of descendants, and what was measured. */
export interface MeasuredComposition {
  /** Sums over the blocks: top-1 losses (points) in the teacher's context and averaged ... */
  readonly teacherLossPp: number;
  readonly averageLossPp: number;
  /** ... and the KL increases, each context by the predictor's weight. */
  readonly klIncrease: number;
  /** Of the whole model. */
  readonly measuredLossPp: number;
  /** Of the measured loss, because these images are a sample; paired with the teacher, image by image. */
  readonly standardErrorPp: number;
}

export interface SplitErrors {
  readonly all: PredictionErrors;
  /** Those whose measured loss is below `mildLossPp`. */
  readonly mild: PredictionErrors;
}

interface Predicted {
  /** By the sum of the deltas in the teacher's context ... */
  readonly teacherSum: SplitErrors;
  /** ... by the sum of the deltas averaged over the contexts ... */
  readonly averageSum: SplitErrors;
  /** ... and by the predictor, each composition by a curve fitted without it. */
  readonly predictor: SplitErrors | null;
}

export interface AdditivityReport extends Predicted {
  readonly images: number;
  /**
   * Mean error that these images would show of a predictor which knows the true losses: sqrt(2 / pi) standard errors, as
   * measured losses are close to normal. No prediction can be told to be better than that.
   */
  readonly imageNoisePp: { readonly all: number; readonly mild: number | null };
  /**
   * Predicted from one half of the images and compared with what is measured on the other, both ways. On the same
   * images a sum of top-1 deltas looks better than it is: it shares the luck of those images with what it predicts.
   * `measured` is the error of measuring the composition itself on the first half: the noise in all of these.
   */
  readonly acrossImages: Predicted & { readonly images: number; readonly measured: SplitErrors };
}

/**
 * Loss of top-1 in points = `ceilingPp * (1 - exp(-(K / scale) ^ exponent))`, K the sum over the blocks of the KL increases in every
 * context by its weight.
 */
export interface Predictor {
  readonly kind: 'kl-curve';
  readonly parameters: Curve;
  /** By context, 1 together. */
  readonly weights: Readonly<Partial<Record<ContextName, number>>>;
  /** Two-fold: fitted on half of the random compositions and the uniform models, tried on the other half. */
  readonly crossValidated: SplitErrors;
  /** The same with chosen compositions alone, which the curve is then fitted to; absent where there are too few. */
  readonly chosen?: SplitErrors & {
    /** Standard deviation of their errors, in units of the root of (predicted points + 1). */
    readonly spread: number;
  };
}

/** Fewer chosen compositions fit no curve of their own. */
const leastChosen = 8;

export interface PredictionInput {
  readonly models: ReadonlyMap<string, Scores>;
  readonly contexts: readonly Context[];
  /** Of the teacher's blocks. */
  readonly hiddens: readonly number[];
  readonly classes: number;
  /** In the order they were drawn, so that either half of them (by parity) covers the range. */
  readonly random: readonly ScoredComposition[];
  /** Chosen by costs at budgets all over the range; in the order they were drawn. */
  readonly chosen: readonly ScoredComposition[];
  /** Uniform models: known in any case, so they take part in every fit. */
  readonly anchors: readonly ScoredComposition[];
}

/** Compares predictions with measurements over random compositions, and fits the predictor. Needs two images or more. */
export function predictCompositions(input: PredictionInput): {
  readonly additivity: AdditivityReport;
  readonly predictor: Predictor | null;
  readonly compositions: readonly MeasuredComposition[];
} {
  const whole = predictFrom(input);
  const images = known(input.models, 'teacher').correct.length;
  const order = random(0, 'halves of the images').shuffle(Array.from({ length: images }, (_, i) => i));
  const halves = [order.slice(0, images >> 1), order.slice(images >> 1)].map((part) => {
    const models = new Map([...input.models].map(([id, scores]) => [id, selectImages(scores, part)]));
    return predictFrom({ ...input, models });
  });
  // Both ways in one list: the predictions of each half, then the measurements of the other.
  const across = (of: (half: typeof whole) => readonly number[]) => halves.flatMap(of);
  const measuredElsewhere = [...halves].reverse().flatMap(({ measured }) => measured);
  const parameters = whole.curve;
  const inside = errorsOf(whole, whole.measured);
  return {
    additivity: {
      images,
      imageNoisePp: imageNoise(whole.compositions),
      ...inside,
      acrossImages: {
        images: images >> 1,
        ...errorsOf(
          {
            teacherSum: across(({ teacherSum }) => teacherSum),
            averageSum: across(({ averageSum }) => averageSum),
            predicted: halves.some(({ predicted }) => predicted === null)
              ? null
              : across(({ predicted }) => predicted ?? []),
          },
          measuredElsewhere,
        ),
        measured: additivityErrors(
          across(({ measured }) => measured),
          measuredElsewhere,
        ),
      },
    },
    predictor:
      parameters === null || inside.predictor === null
        ? null
        : {
            kind: 'kl-curve',
            parameters,
            weights: Object.fromEntries(
              input.contexts.map(({ name }, index) => [name, whole.weights[index]!]),
            ),
            crossValidated: inside.predictor,
            ...(whole.chosen && { chosen: whole.chosen }),
          },
    compositions: whole.compositions,
  };
}

interface Predictions {
  readonly teacherSum: readonly number[];
  readonly averageSum: readonly number[];
  readonly predicted: readonly number[] | null;
}

function errorsOf(
  { teacherSum, averageSum, predicted }: Predictions,
  measured: readonly number[],
): Predicted {
  return {
    teacherSum: additivityErrors(teacherSum, measured),
    averageSum: additivityErrors(averageSum, measured),
    predictor: predicted === null ? null : additivityErrors(predicted, measured),
  };
}

function predictFrom(input: PredictionInput): Predictions & {
  readonly compositions: readonly MeasuredComposition[];
  readonly measured: readonly number[];
  readonly curve: Curve | null;
  readonly weights: readonly number[];
  readonly chosen: Predictor['chosen'] | undefined;
} {
  const { correct } = known(input.models, 'teacher');
  const ceilingPp = (100 * count(correct)) / correct.length - 100 / input.classes;
  const sumsOf = compositionSums(input);
  const drawn = input.random.map(sumsOf);
  const chosen = input.chosen.map(sumsOf);
  const uniform = input.anchors.map(sumsOf);
  const all = [...drawn, ...chosen, ...uniform];
  const weights = fitContextWeights(all, input.contexts.length);
  const compositions = drawn.map(({ costs, kl: _, ...rest }): MeasuredComposition => ({
    ...rest,
    klIncrease: weightedCost(costs, weights),
  }));
  const samplesOf = (list: readonly Sums[]): Sample[] =>
    list.map(({ costs, measuredLossPp }) => ({ cost: weightedCost(costs, weights), lossPp: measuredLossPp }));
  const choices = samplesOf(chosen);
  const crossed = choices.length < leastChosen ? null : crossPredict(choices, [], ceilingPp);
  return {
    compositions,
    measured: compositions.map(({ measuredLossPp }) => measuredLossPp),
    teacherSum: compositions.map(({ teacherLossPp }) => teacherLossPp),
    averageSum: compositions.map(({ averageLossPp }) => averageLossPp),
    predicted: crossPredict(samplesOf(drawn), samplesOf(uniform), ceilingPp),
    curve: fitCurve(crossed === null ? samplesOf(all) : choices, ceilingPp),
    weights,
    chosen: crossed === null ? undefined : chosenErrors(crossed, choices),
  };
}

function chosenErrors(predicted: readonly number[], samples: readonly Sample[]): Predictor['chosen'] {
  const squares = samples.map(
    ({ lossPp }, index) => (lossPp - predicted[index]!) ** 2 / (predicted[index]! + 1),
  );
  return {
    ...additivityErrors(
      predicted,
      samples.map(({ lossPp }) => lossPp),
    ),
    spread: Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length),
  };
}

/** Of one composition: `costs` are the summed KL increases of each context. */
interface Sums extends Omit<MeasuredComposition, 'klIncrease'> {
  readonly costs: readonly number[];
  readonly kl: number;
}

function compositionSums({ models, contexts, hiddens }: PredictionInput) {
  const computed = new Map<string, ReturnType<typeof deltasOf>>();
  const teacher = known(models, 'teacher').correct;
  return ({ id, widths }: ScoredComposition): Sums => {
    const each = widths.map((width, block) => {
      const key = `${block}/${width}`;
      const place = { block, width, hidden: hiddens[block]! };
      if (!computed.has(key)) computed.set(key, deltasOf(models, contexts, place, 0.95));
      return known(computed, key);
    });
    const sum = (value: (item: Deltas) => number) => each.reduce((total, item) => total + value(item), 0);
    const whole = known(models, id);
    return {
      teacherLossPp: -sum((item) => item.teacher.top1Pp.mean),
      averageLossPp: -sum((item) => item.average.top1Pp.mean),
      costs: contexts.map(({ name }) => sum((item) => (item[name] ?? item.average).klIncrease)),
      kl: summariseScores(whole).kl,
      ...pairedLoss(teacher, whole.correct),
    };
  };
}

function pairedLoss(teacher: Uint8Array, model: Uint8Array) {
  const images = teacher.length;
  const mean = (count(teacher) - count(model)) / images;
  const squares = teacher.reduce((sum, right, image) => sum + (right - model[image]! - mean) ** 2, 0);
  return {
    measuredLossPp: 100 * mean,
    standardErrorPp: images < 2 ? 0 : 100 * Math.sqrt(squares / (images - 1) / images),
  };
}

function imageNoise(compositions: readonly MeasuredComposition[]): AdditivityReport['imageNoisePp'] {
  const expected = (some: readonly MeasuredComposition[]) =>
    (Math.sqrt(2 / Math.PI) * some.reduce((sum, { standardErrorPp }) => sum + standardErrorPp, 0)) /
    some.length;
  const mild = compositions.filter(({ measuredLossPp }) => measuredLossPp < mildLossPp);
  return { all: expected(compositions), mild: mild.length === 0 ? null : expected(mild) };
}

function count(flags: Uint8Array): number {
  return flags.reduce((sum, flag) => sum + flag, 0);
}
