/**
 * How much of the gap between refit and teacher a training closes, over its time: the pipeline's distillation (`distill` of the
 * config) beside end-to-end distillation of the same blocks (KL of the logits, its gradient through the whole model), from the refits of
 * a run, on the same images. Measured on selection images, which nothing here was fitted to or trained on.
 *
 *     npm run bench -- closing --config vit-tiny-imagenet40.yaml --run runs/vit-tiny-imagenet40 --widths 384,232
 *     npm run bench -- closing ... --minutes 5,15,60 --variants '{"own error": {"lookahead": 0, "klWeight": 0}}'
 *
 * Every number of steps or minutes is a training of its own, whose rate falls to zero. One JSON line a model on stdout.
 */
import { join } from 'node:path';
import yargs from 'yargs';
import { distillStudents } from '../pipeline/distill/distill-students.ts';
import type { TrainedModel, TrainingSettings } from '../pipeline/distill/distill-task.ts';
import { epochBatches } from '../pipeline/distill/epoch-batches.ts';
import { lookImages } from '../pipeline/distill/schedule.ts';
import { bounds, pairedScoresPp } from '../pipeline/measure/interval.ts';
import type { Scores } from '../pipeline/measure/scores.ts';
import { widthName } from '../pipeline/model/architecture.ts';
import { readFfns } from '../pipeline/model/ffn-file.ts';
import type { FfnWeights } from '../pipeline/model/ffn-weights.ts';
import { uploadTeacher } from '../pipeline/model/upload.ts';
import { calibrationImages } from '../pipeline/recipe/calibration.ts';
import { files, refitJob } from '../pipeline/stages/blocks/artefacts.ts';
import { shardsOf } from '../pipeline/stages/blocks/shape.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import { fail } from '../pipeline/util/failure.ts';
import { known } from '../pipeline/util/known.ts';
import { openQualityData } from './quality/data.ts';
import { openEvaluation } from './quality/evaluate.ts';

/** What a training has instead of the config's `distill`, and its share of composed inputs. */
type Variant = Partial<Omit<TrainingSettings, 'steps'>> & { readonly composedShare?: number };

/** The blocks' own errors count for nothing beside the answer's. */
const endToEnd: Variant = { lookahead: 1, klWeight: 1e4, composedShare: 1 };

const args = await yargs(process.argv.slice(2))
  .scriptName('npm run bench -- closing')
  .options({
    config: { type: 'string', demandOption: true, describe: 'config of the run' },
    set: { type: 'string', array: true, default: [] as string[], describe: 'key.path=value' },
    run: { type: 'string', demandOption: true, describe: 'run folder with refits' },
    widths: { type: 'string', demandOption: true, describe: 'hidden units of the models, e.g. 384,232' },
    minutes: { type: 'string', describe: 'lengths of trainings, all widths together' },
    steps: { type: 'string', describe: 'the same in steps; default 100' },
    evaluation: { type: 'number', default: 600, describe: 'most selection images' },
    variants: { type: 'string', default: '{}', describe: 'JSON: further trainings by name' },
  })
  .conflicts('minutes', 'steps')
  .strict()
  .parse();

const numbers = (option: string, text: string): number[] => {
  const found = text.split(',').map(Number);
  if (found.some((value) => !(value > 0))) refuse(`--${option} ${text}: numbers above 0 are expected`);
  return found;
};
const lengths =
  args.minutes === undefined
    ? numbers('steps', args.steps ?? '100')
    : numbers('minutes', args.minutes).map((minutes) => ({ seconds: 60 * minutes }));
const variants = {
  'as configured': {},
  'end to end': endToEnd,
  ...(JSON.parse(args.variants) as Record<string, Variant>),
};

const data = await openQualityData({
  config: args.config,
  set: args.set,
  folds: 1,
  evaluationImages: args.evaluation,
});
const { config } = data.loaded;
const engine = await loadEngine(config.engine);
const model = uploadTeacher(data.teacher, data.architecture);
const [fold] = data.folds;
if (fold === undefined) throw new Error('no images');
const { calibration, evaluation } = fold;
const { heldOut, training } = calibrationImages(
  { seed: config.seed, heldOut: config.statistics.heldOut },
  calibration,
);
const students = await Promise.all(numbers('widths', args.widths).map(readRefits));
const measured = await openEvaluation(model, data.images.tensorBatches(evaluation, 50), () => undefined);
const teacher = mean(measured.teacher.correct);
console.error(
  `${engine.description}; teacher ${(100 * teacher).toFixed(1)} % of ${evaluation.length} selection images; ` +
    `${training.length} training images; seed ${config.seed}`,
);
const refits = new Map<string, Scores>();
for (const { id, ffns } of students) {
  const scores = await measured.score(id, ffns);
  refits.set(id, scores);
  say({ training: 'refit', id, ...told(scores) });
}
for (const [name, variant] of Object.entries(variants)) {
  for (const steps of lengths) {
    const result = await train(name, variant, steps);
    for (const { id, ffns, kept } of result.students) {
      const refit = known(refits, id);
      const scores = await measured.score(id, ffns);
      const gainPp = bounds(pairedScoresPp(scores.correct, refit.correct, config.measure.confidence));
      say({
        ...{ training: name, id, steps: result.steps.made, seconds: result.history.at(-1)?.seconds, kept },
        ...{ ...told(scores), gainPp },
        closedKl: 1 - mean(scores.kl) / mean(refit.kl),
        closedTop1: (mean(scores.correct) - mean(refit.correct)) / (teacher - mean(refit.correct)),
      });
    }
  }
}
measured.dispose();
model.dispose();

async function train(name: string, variant: Variant, steps: TrainingSettings['steps']) {
  const { composedShare = config.inputs.composedShare, ...own } = variant;
  const { batchSize } = config.distill;
  return distillStudents({
    ...{ subject: name, model, students, composedShare, settings: { ...config.distill, ...own, steps } },
    batches: (firstStep) =>
      epochBatches({
        ...{ items: training, batchSize, seed: config.seed, firstStep },
        read: (items, size) => data.images.tensorBatches(items, size),
      }),
    async *heldOut() {
      const batches = data.images.tensorBatches(heldOut.slice(0, lookImages), batchSize);
      for await (const { pixels } of batches) yield pixels;
    },
    signal: new AbortController().signal,
    checkpoint: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
  });
}

/** The refits of one width, out of whichever job of the run has it. */
async function readRefits(width: number): Promise<TrainedModel> {
  const id = widthName(width);
  const ffns: FfnWeights[] = [];
  for (let block = 0; block < data.architecture.depth; block++) {
    for (let shard = 0; shard < shardsOf(config, data.architecture).descendants; shard++) {
      const path = join(args.run, refitJob(shard), files.descendants(block));
      ffns.push(...(await readFfns(path, (names) => [...names].filter((name) => name === id))));
    }
  }
  if (ffns.length !== data.architecture.depth) refuse(`${args.run} has no refits of width ${width}`);
  return { id, ffns };
}

function refuse(found: string): never {
  return fail({ reason: 'usage', subject: 'closing', found, next: 'npm run bench -- closing --help' });
}

function told(scores: Scores): { readonly top1Percent: number; readonly kl: number } {
  return { top1Percent: 100 * mean(scores.correct), kl: mean(scores.kl) };
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

function say(row: object): void {
  console.log(JSON.stringify(row));
}
