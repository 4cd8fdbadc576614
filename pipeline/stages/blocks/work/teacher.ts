import { join } from 'node:path';
import type { JobContext, JobPlan, Stage } from '../../../runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import { random } from '../../../util/random.ts';
import type { Json } from '../../../util/hash.ts';
import type { Splits } from '../../../../datasets/contract.ts';
import { forwardFlops } from '../../../model/costs.ts';
import type { VisionTransformer } from '../../../model/vit.ts';
import { files, splitsJob, teacherCheckJob, teacherJob } from '../artefacts.ts';

/**
 * `teacher/model` imports the checkpoint into canonical names, or trains a ViT on the train split (resumes per epoch).
 * `teacher/check` measures it on the selection split and stops the run when it is no better than chance or when
 * another preprocessing preset is clearly better: nothing made from such a teacher would be worth keeping.
 */
export const teacher: Stage = {
  name: 'teacher',
  version: 1,
  plan: (input) => {
    const { loaded, architecture, inputs, engine } = input;
    const { config } = loaded;
    const { width, hidden, depth } = architecture;
    const forward = forwardFlops(architecture);
    const rate = engine === 'wasm' ? 8e9 : 60e9;
    const bytes = depth * (4 * width * width + 2 * width * hidden) * 4;
    const train = config.teacher.train;
    // The size of the train split is known only after drawing it; the data's own size is a fair guess.
    const trainImages = config.data.source === 'shapes' ? config.data.shapes.images : 55000;
    const model: JobPlan = {
      id: teacherJob,
      needs: train === undefined ? [] : [splitsJob],
      settings: {
        hints: config.teacher.hints,
        architecture: { ...architecture },
        preprocessing: { ...inputs.preprocessing },
        ...(train !== undefined && {
          train: train as unknown as Json,
          seed: config.seed,
        }),
      },
      files: inputs.checkpointFiles,
      estimate: {
        seconds: train === undefined ? 0.5 + bytes / 3e8 : (3 * forward * trainImages * train.epochs) / rate,
        memoryBytes: 5e8 + bytes * (train === undefined ? 2 : 5),
        diskBytes: bytes,
      },
    };
    const check: JobPlan = {
      id: teacherCheckJob,
      needs: [splitsJob, teacherJob],
      settings: {
        mean: inputs.preprocessing.mean,
        std: inputs.preprocessing.std,
        confidence: config.measure.confidence,
      },
      estimate: {
        seconds: 1 + (forward * config.data.splits.selection) / rate,
        memoryBytes: 5e8 + bytes * 2,
        diskBytes: 1e4,
      },
    };
    return [model, check];
  },
  run: (job, context) => (job.id === teacherJob ? makeTeacher(context) : checkTeacher(context)),
};

async function makeTeacher(context: JobContext): Promise<Json> {
  const { writeTeacher, readTeacher } = await import('../../../model/teacher-file.ts');
  const { config } = context.loaded;
  const path = join(context.folder, files.teacher);
  if (config.teacher.train === undefined) {
    const { inspectCheckpoint } = await import('../../../model/checkpoint/inspect.ts');
    const { checkpoint, architecture, hints } = config.teacher;
    const inspection = await inspectCheckpoint(checkpoint!, { architectureName: architecture, hints });
    await writeTeacher(
      path,
      await readTeacher(inspection),
      inspection.architecture,
      context.inputs.preprocessing,
    );
    return { naming: inspection.naming, files: inspection.files.length };
  }
  const { trainTeacher } = await import('../../../train/train-teacher.ts');
  const { openSplit } = await import('./open.ts');
  const { fileCheckpoint } = await import('./checkpoint.ts');
  const { train: settings } = config.teacher;
  const split = await openSplit(context, 'train');
  const shuffled = random(config.seed, 'train', 'held-out').shuffle([...split.items]);
  const heldOutCount = Math.max(1, Math.round(shuffled.length * settings.heldOut));
  const result = await trainTeacher({
    architecture: settings.architecture,
    train: await split.load(shuffled.slice(heldOutCount)),
    heldOut: await split.load(shuffled.slice(0, heldOutCount)),
    mean: context.inputs.preprocessing.mean,
    std: context.inputs.preprocessing.std,
    settings,
    seed: config.seed,
    signal: context.signal,
    checkpoint: fileCheckpoint(context.resumeFolder),
    onProgress: (progress) => context.progress(progress),
  });
  await writeTeacher(path, result.weights, settings.architecture, context.inputs.preprocessing);
  await writeJsonAtomic(join(context.folder, files.history), result.history);
  return { epochs: result.history.length, bestEpoch: result.bestEpoch, heldOutTop1: result.bestAccuracy };
}

/** What `teacher/check` writes. */
export interface TeacherCheck {
  readonly images: number;
  readonly top1: { readonly mean: number; readonly low: number; readonly high: number };
}

async function checkTeacher(context: JobContext): Promise<Json> {
  const { proportionPercent } = await import('../../../measure/interval.ts');
  const { countCorrect } = await import('../../../measure/accuracy.ts');
  const { openTeacher, openSplit } = await import('./open.ts');
  const { classes } = await readJson<Splits>(join(context.input(splitsJob)!, files.splits));
  if (classes.length !== context.architecture.classes) {
    fail({
      reason: 'data-invalid',
      subject: 'data',
      found: `${classes.length} classes in the data, ${context.architecture.classes} in the teacher`,
      expected: 'the same classes in the same order (folders sorted by name are classes 0, 1, 2, ...)',
      next: "point data.path at data with the teacher's classes",
    });
  }
  const model = await openTeacher(context);
  const split = await openSplit(context, 'selection');
  const images = split.items.length;
  const { mean, std } = context.inputs.preprocessing;
  const correct = await countCorrect(
    model,
    split.tensorBatches(split.items, context.loaded.config.measure.batchSize),
    context,
  );
  const top1 = proportionPercent(correct, images, context.loaded.config.measure.confidence);
  const chance = 100 / classes.length;
  const other =
    context.loaded.config.teacher.train === undefined
      ? await betterPreset(context, model, top1.high)
      : undefined;
  model.dispose();
  if (other !== undefined) {
    fail({
      reason: 'gate-failed',
      subject: 'teacher, preprocessing',
      found: `top-1 is ${top1.mean.toFixed(1)} % on the selection split with mean [${mean.join(', ')}], std [${std.join(', ')}]`,
      expected: `the preprocessing the teacher was trained with; preset "${other.name}" reaches ${other.top1.toFixed(1)} %`,
      next: `--set data.preprocessing=${other.name}, or give resize, crop, mean and std explicitly`,
    });
  }
  if (top1.low <= chance) {
    fail({
      reason: 'gate-failed',
      subject: 'teacher',
      found: `top-1 is ${top1.mean.toFixed(2)} % [${top1.low.toFixed(2)}, ${top1.high.toFixed(2)}] on ${images} selection images; chance is ${chance.toFixed(2)} %`,
      expected: 'a trained teacher, its own classes in its own order, its own preprocessing',
      next: "check teacher.checkpoint, the class folders' order and data.preprocessing",
    });
  }
  await writeJsonAtomic(join(context.folder, files.check), { images, top1 } satisfies TeacherCheck);
  return { images, top1: top1.mean, low: top1.low, high: top1.high };
}

/** Tries the other usual mean/std on at most 256 labelled images: a wrong preset must be caught, not shipped. */
async function betterPreset(
  context: JobContext,
  model: VisionTransformer,
  top1High: number,
): Promise<{ name: string; top1: number } | undefined> {
  const { normalisations } = await import('../../../../datasets/preprocessing.ts');
  const { proportionPercent } = await import('../../../measure/interval.ts');
  const { countCorrect } = await import('../../../measure/accuracy.ts');
  const { openSplit } = await import('./open.ts');
  const { preprocessing } = context.inputs;
  // Nothing can be clearly better than this.
  if (top1High >= 100) return undefined;
  for (const [name, { mean, std }] of Object.entries(normalisations(preprocessing.channels))) {
    if (mean.every((value, index) => Math.abs(value - preprocessing.mean[index]) < 1e-3)) continue;
    const split = await openSplit(context, 'selection', { ...preprocessing, mean, std });
    const items = split.items.slice(0, 256);
    const correct = await countCorrect(
      model,
      split.tensorBatches(items, context.loaded.config.measure.batchSize),
      context,
    );
    const interval = proportionPercent(correct, items.length, 0.999);
    if (interval.low > top1High) return { name, top1: interval.mean };
  }
  return undefined;
}
