import { polishComposition, type PolishTask } from '../../pipeline/distill/polish.ts';
import { epochBatches } from '../../pipeline/distill/epoch-batches.ts';
import { pairedScoresPp, type Interval } from '../../pipeline/measure/interval.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import type { TeacherTensors } from '../../pipeline/model/upload.ts';
import { calibrationImages, calibrationOf } from '../../pipeline/recipe/calibration.ts';
import type { BlocksConfig } from '../../pipeline/stages/blocks/schema.ts';
import { fail } from '../../pipeline/util/failure.ts';
import type { QualityData } from '../quality/data.ts';
import { recipesOf, type RecipeName } from '../quality/recipes.ts';
import { withUnits, type FrontModel } from './front-model.ts';
import type { Judge } from './judge.ts';
import { scoreSummary, type ScoredTop1 } from './score-summary.ts';
import { fitUnits } from './unit-fits.ts';

/** What end-to-end distillation makes of one start in the minutes that it has. */
export interface PolishedStart {
  readonly start: RecipeName;
  readonly width: number;
  /** From nothing to fitted blocks, then of the training. */
  readonly fitSeconds: number;
  readonly trainingSeconds: number;
  readonly steps: number;
  readonly before: ScoredTop1;
  readonly after: ScoredTop1;
  /** Minus the first start's, after training, on the same images. */
  readonly differencePp: Interval | null;
}

export interface PolishOptions {
  readonly data: QualityData;
  readonly model: TeacherTensors;
  readonly teacher: FrontModel;
  readonly judge: Judge;
  readonly width: number;
  /** Of fit and training together. */
  readonly minutes: number;
  readonly onNote: (note: string) => void;
}

/** The baseline first: variance and mean shift, as published before its training (VBP); then the pipeline's own refit. */
const starts: readonly RecipeName[] = ['vbp', 'blockforge'];

/**
 * The same training of all FFN weights (`polish` of the config but for its length) on the same images, from two starts. A step is timed before, so
 * that the rate decays to zero when the minutes are over; the better start leaves less time for training where it took longer.
 * @throws BlockForgeError `usage` where the minutes are over before training begins
 */
export async function* polishStarts(options: PolishOptions): AsyncGenerator<PolishedStart> {
  const { data, model, teacher, judge, width, minutes, onNote } = options;
  const { config } = data.loaded;
  const { confidence } = config.measure;
  let first: Scores | undefined;
  for (const start of starts) {
    onNote(`${width} units, ${start}: fit`);
    const began = performance.now();
    const fit = await fitUnits(data, model, recipesOf(config)[start], [width]);
    const fitSeconds = since(began);
    const ffns = fit.of(width);
    const before = await judge.score(withUnits(teacher, ffns));
    const secondsPerStep = await timeStep(options, ffns);
    const steps = Math.floor((60 * minutes - fitSeconds) / secondsPerStep);
    if (steps < 1) {
      fail({
        reason: 'usage',
        subject: `--polish ${minutes}`,
        found: `the fit of ${start} took ${fitSeconds.toFixed(0)} s and a step takes ${secondsPerStep.toFixed(1)} s`,
        expected: 'minutes enough for both',
        next: 'give more minutes, or fewer calibration images',
      });
    }
    onNote(`${width} units, ${start}: ${steps} steps`);
    const training = performance.now();
    const trained = await polishComposition(taskOf(options, ffns, steps));
    const trainingSeconds = since(training);
    const after = await judge.score(withUnits(teacher, trained.ffns));
    yield {
      start,
      width,
      fitSeconds,
      trainingSeconds,
      steps,
      before: scoreSummary(before, confidence),
      after: scoreSummary(after, confidence),
      differencePp: first === undefined ? null : pairedScoresPp(after.correct, first.correct, confidence),
    };
    first ??= after;
  }
}

/** Seconds of a step, decoding its images among them. */
async function timeStep(options: PolishOptions, ffns: readonly FfnWeights[]): Promise<number> {
  const steps = 6;
  await polishComposition(taskOf(options, ffns, 2));
  const start = performance.now();
  await polishComposition(taskOf(options, ffns, steps));
  return since(start) / steps;
}

function taskOf({ data, model }: PolishOptions, ffns: readonly FfnWeights[], steps: number): PolishTask {
  const { config } = data.loaded;
  const { batchSize, learningRate, warmupShare, weightDecay, hiddenWeight }: BlocksConfig['polish'] =
    config.polish;
  const { training } = calibrationImages(calibrationOf(config), data.folds[0]!.calibration);
  return {
    model,
    ffns,
    batches: (firstStep) =>
      epochBatches({
        items: training,
        batchSize,
        seed: config.seed,
        firstStep,
        read: (items, size) => data.images.tensorBatches(items, size),
      }),
    settings: { steps, learningRate, warmupShare, weightDecay, hiddenWeight },
    signal: new AbortController().signal,
    checkpoint: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
  };
}

function since(start: number): number {
  return (performance.now() - start) / 1000;
}
