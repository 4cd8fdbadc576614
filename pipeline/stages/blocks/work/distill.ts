import { join } from 'node:path';
import { distillBlock } from '../../../distill/loop.ts';
import type { DistillResult } from '../../../distill/task.ts';
import type { RefittedDescendant, TrainedDescendant } from '../../../measure/descendant.ts';
import { blockName } from '../../../model/architecture.ts';
import { choosePrecision } from '../../../precision/choose-precision.ts';
import type { StepPrecision } from '../../../precision/resolve-precision.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import type { ImageHandling } from '../../common/artefacts.ts';
import { fileCheckpoint } from '../../common/checkpoint.ts';
import { readTeacherInfo } from '../../common/open.ts';
import { files, refitJob, type DescendantsFile } from '../artefacts.ts';
import { distillLength } from '../../../recipe/distill-length.ts';
import type { BlocksConfig } from '../schema.ts';
import { openInputs, type InputSettings } from './inputs.ts';
import { readDescendants, writeDescendants } from './read.ts';

export type DistillJobSettings = InputSettings & {
  readonly distill: BlocksConfig['distill'];
  /** Of the steps' products. */
  readonly precision: StepPrecision;
};

/**
 * Trains all descendants of one block, from their refit, and keeps the better of the two: against the teacher's block on
 * its own inputs, or (`inputs.from: composed`) in part on what a compressed model shows it, block after block.
 * Reads: refitted descendants, sampled block inputs; composed: calibration images, all earlier blocks' descendants.
 * Writes: the final descendants, the gain over refit of each and the held-out errors on the way.
 * Costs: per step 2 teacher products and 5 per width. Resumes inside the job, about every 30 s.
 */
export async function run(
  { settings, handling }: Job<DistillJobSettings, ImageHandling>,
  context: JobContext,
): Promise<Json> {
  const { block, calibration, distill, precision: planned } = settings;
  const students = await readDescendants(context.input(refitJob(block), files.descendants));
  const { descendants: refitted } = await readJson<DescendantsFile<RefittedDescendant>>(
    context.input(refitJob(block), files.descendantsFile),
  );
  const output = join(context.folder, files.descendants);
  const writeRecords = (descendants: readonly TrainedDescendant[], steps?: number) =>
    writeJsonAtomic(join(context.folder, files.descendantsFile), {
      ...{ block, descendants, steps },
    } satisfies DescendantsFile<TrainedDescendant>);
  if (!distill.enabled) {
    await writeDescendants(output, students);
    await writeRecords(refitted.map((item) => ({ ...item, ...keptRefit(item), gainOverRefit: null })));
    return { enabled: false };
  }
  const { depth } = (await readTeacherInfo(context)).architecture;
  const inputs = await openInputs(context, 'distill', settings, students.length, handling.images);
  let result: DistillResult;
  try {
    const { batchTokens } = distill;
    const examples = await inputs.examples(students.length, { batchTokens, seed: calibration.seed });
    const tokens = Math.min(batchTokens, examples.tokens);
    result = await distillBlock({
      block: blockName(block),
      students: students.map((weights, index) => ({ id: refitted[index]!.id, weights })),
      examples,
      settings: { ...distill, steps: distillLength(distill, depth, examples.tokens) },
      precisionOf: ({ weights: { width, hidden }, refitError }) =>
        choosePrecision(planned, refitError, { tokens, width, hidden }),
      signal: context.signal,
      checkpoint: fileCheckpoint(context.resumeFolder),
      onProgress: (progress) => context.progress(progress),
    });
    const trained = result.students.map(({ weights }) => weights);
    await writeDescendants(output, trained);
    await inputs.advance(trained);
  } finally {
    await inputs.close();
  }
  const descendants = refitted.map((item, index): TrainedDescendant => {
    const { errorAfter, kept, gainOverRefit, precision } = result.students[index]!;
    if (kept === 'trained') {
      const heldOutError = { refit: item.heldOutError.refit, final: errorAfter };
      return { ...item, heldOutError, gainOverRefit, source: 'distilled', precision };
    }
    context.warn(`${item.id}: training did not beat the refit; the refit is kept`);
    return { ...item, ...keptRefit(item), gainOverRefit: 0 };
  });
  await writeRecords(descendants, result.steps.made);
  await writeJsonAtomic(join(context.folder, files.history), {
    steps: result.steps,
    precisions: result.students.map(({ precision }) => precision),
    looks: result.history,
  });
  return {
    descendants: descendants.map(({ id, heldOutError, gainOverRefit }, index) => ({
      id,
      error: heldOutError.final,
      gainOverRefit,
      precision: result.students[index]!.precision,
    })),
  };
}

/** The weights stay those of the refit, and so does their error. */
export function keptRefit({ heldOutError: { refit } }: Pick<RefittedDescendant, 'heldOutError'>) {
  return { heldOutError: { refit, final: refit }, source: 'refit' } as const;
}
