import { join } from 'node:path';
import type { DistillResult } from '../../../distill/task.ts';
import type { Stage } from '../../../runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import { blockName } from '../../../model/architecture.ts';
import type { Config } from '../../../config/schema.ts';
import { calibrationTokens, sampledTokens } from './calibration.ts';
import { chainBefore, chainImages, streamBytes } from '../chain.ts';
import {
  classShareJob,
  distillJob,
  files,
  indices,
  jobIndex,
  refitJob,
  splitsJob,
  statisticsJob,
  teacherJob,
} from '../artefacts.ts';
import { descents } from '../shape.ts';
import type { DescendantsInfo } from './read.ts';

/**
 * Trains all descendants of one block, from their refit, and keeps the better of the two: against the teacher's block on
 * its own inputs, or (`inputs.from: composed`) in part on what a compressed model shows it, block after block.
 * Reads: refitted descendants, sampled block inputs; composed: calibration images, all earlier blocks' descendants.
 * Writes: the final descendants, the gain over refit of each and the held-out errors on the way.
 * Costs: per step 2 teacher products and 5 per width. Resumes inside the job, about every 30 s.
 */
export const distill: Stage = {
  name: 'distill',
  version: 2,
  plan: ({ loaded, architecture, engine, slots, inputs }) => {
    const { config } = loaded;
    const widths = descents(config, architecture.hidden);
    const composed = isComposed(config);
    const perImage = sampledTokens(config, architecture);
    const all = calibrationTokens(config, architecture);
    const used = chainImages(config, { training: all.training / perImage, heldOut: all.heldOut / perImage });
    const tokens = composed ? used.training * perImage : all.training;
    const length = distillLength(config, architecture.depth, tokens);
    const kept = widths.reduce((sum, { width }) => sum + width, 0);
    const flopPerToken = 2 * architecture.width * (2 * architecture.hidden + 5 * kept);
    const stepFlop = flopPerToken * Math.min(config.distill.batchTokens, tokens);
    const seconds =
      typeof length === 'number'
        ? 1 + (length * stepFlop) / (engine === 'wasm' ? 12e9 : 100e9)
        : length.seconds;
    const pairBytes = 2 * (tokens * (1 + widths.length)) * architecture.width * 4;
    return indices(architecture.depth).map((block) => ({
      id: distillJob(block),
      needs: [
        teacherJob,
        refitJob(block),
        ...indices(slots).map(statisticsJob),
        ...(composed ? [splitsJob, classShareJob, ...chainBefore('distill', block)] : []),
      ],
      settings: {
        distill: config.distill,
        seed: config.seed,
        ...(composed && {
          inputs: config.inputs,
          mean: inputs.preprocessing.mean,
          std: inputs.preprocessing.std,
        }),
      },
      estimate: {
        seconds: config.distill.enabled ? seconds : 0.1,
        memoryBytes:
          6e8 +
          config.distill.batchTokens * (architecture.hidden * 4 + kept * 8) * 4 +
          (composed ? pairBytes : 0),
        diskBytes:
          kept * architecture.width * 8 * 4 +
          (composed && block === 0 ? 2 * streamBytes(config, architecture) : 0),
      },
    }));
  },
  async run(job, context) {
    const { distillBlock } = await import('../../../distill/loop.ts');
    const { readDescendants, writeDescendants } = await import('./read.ts');
    const { fileCheckpoint } = await import('./checkpoint.ts');
    const block = jobIndex(job.id);
    const { config } = context.loaded;
    const refitFolder = context.input(refitJob(block))!;
    const students = await readDescendants(refitFolder);
    const info = await readJson<DescendantsInfo>(join(refitFolder, files.descendantsInfo));
    const output = join(context.folder, files.descendants);
    if (!config.distill.enabled) {
      await writeDescendants(output, students);
      const descendants = info.descendants.map((item) => ({
        ...item,
        error: item.refitError,
        gainOverRefit: 0,
        kept: 'refit',
      }));
      await writeJsonAtomic(join(context.folder, files.descendantsInfo), { block, descendants });
      return { enabled: false };
    }
    const { composedSource, teacherSource } = await import('./distill-source.ts');
    const source = isComposed(config)
      ? await composedSource(context, block)
      : await teacherSource(context, block, students.length);
    let result: DistillResult;
    try {
      result = await distillBlock({
        block: blockName(block),
        students: students.map(({ weights }, index) => ({ id: info.descendants[index].id, weights })),
        examples: source.examples,
        settings: {
          ...config.distill,
          steps: distillLength(config, context.architecture.depth, source.tokens),
        },
        signal: context.signal,
        checkpoint: fileCheckpoint(context.resumeFolder),
        onProgress: (progress) => context.progress(progress),
      });
      await writeDescendants(output, result.students);
      await source.advance(
        result.students.map(({ weights }) => weights),
        output,
      );
    } finally {
      source.examples.dispose();
      await source.close();
    }
    const descendants = info.descendants.map((item, index) => {
      const { errorAfter, kept, ...trained } = result.students[index];
      const gainOverRefit = kept === 'refit' ? 0 : trained.gainOverRefit;
      if (kept === 'refit') context.warn(`${item.id}: training did not beat the refit; the refit is kept`);
      return { ...item, error: kept === 'refit' ? item.refitError : errorAfter, gainOverRefit, kept };
    });
    await writeJsonAtomic(join(context.folder, files.descendantsInfo), { block, descendants });
    await writeJsonAtomic(join(context.folder, files.history), {
      steps: result.steps,
      looks: result.history,
    });
    return { descendants: descendants.map(({ id, error, gainOverRefit }) => ({ id, error, gainOverRefit })) };
  },
};

function isComposed({ inputs, distill }: Config): boolean {
  return inputs.from === 'composed' && distill.enabled;
}

/** Epochs become steps once, here, and minutes of all blocks a block's seconds; training code knows only these. */
function distillLength(config: Config, depth: number, tokens: number): number | { readonly seconds: number } {
  const { duration, batchTokens } = config.distill;
  if ('steps' in duration) return duration.steps;
  if ('minutes' in duration) return { seconds: (60 * duration.minutes) / depth };
  return Math.max(1, Math.round((duration.epochs * tokens) / Math.min(batchTokens, tokens)));
}
