import { join } from 'node:path';
import type { GateResult } from '../../../compress/gates.ts';
import type { Config } from '../../../config/schema.ts';
import type { JobContext, Stage } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import { blockName, tokensPerImage, widthName } from '../../../model/architecture.ts';
import {
  classShareJob,
  files,
  indices,
  jobIndex,
  orderJob,
  refitJob,
  splitsJob,
  statisticsJob,
  teacherJob,
} from '../artefacts.ts';
import { chainBefore, streamBytes } from '../chain.ts';
import type { FitSource } from './inputs.ts';
import { descents } from '../shape.ts';

/**
 * Cuts one block to every width and gives each the closed-form best fc2 (DESIGN 4.2): for the teacher's own inputs and
 * outputs, or (`inputs.from: composed`) half for those and half for what a compressed model shows it (streams.ts).
 * Reads: order, statistics, the teacher's block, held-out tokens; composed: calibration images and the refits of all
 * earlier blocks. Writes: the refitted descendants and, for each, the predicted and the measured error.
 * Stops when a gate fails: sorted block != block, slice != mask, measured != predicted.
 */
export const refit: Stage = {
  name: 'refit',
  version: 2,
  plan: ({ loaded, architecture, slots, engine, inputs }) => {
    const { config } = loaded;
    const composed = isComposed(config);
    const widths = descents(config, architecture.hidden).map(({ width }) => width);
    const { width, hidden } = architecture;
    const images = Math.min(config.data.splits.calibration, config.inputs.images);
    const tokens = images * (1 + widths.length) * tokensPerImage(architecture);
    const flops = composed ? tokens * 2 * (6 * width * width + 3 * width * hidden) : 0;
    return indices(architecture.depth).map((block) => ({
      id: refitJob(block),
      needs: [
        teacherJob,
        classShareJob,
        orderJob(block),
        ...indices(slots).map(statisticsJob),
        ...(composed ? [splitsJob, ...chainBefore('refit', block)] : []),
      ],
      settings: {
        refit: config.refit,
        ridge: config.order.ridge,
        widths,
        ...(composed && {
          inputs: config.inputs,
          mean: inputs.preprocessing.mean,
          std: inputs.preprocessing.std,
        }),
      },
      estimate: {
        seconds: 0.3 + 6 * (hidden / 3072) ** 3 + flops / (engine === 'wasm' ? 8e9 : 60e9),
        memoryBytes: 5e8 + hidden ** 2 * 8 * 3 * (composed ? 1 + widths.length : 1),
        diskBytes:
          widths.reduce((bytes, kept) => bytes + kept * width * 8, 1e4) +
          (composed && block === 0 ? 2 * streamBytes(config, architecture) : 0),
      },
    }));
  },
  async run(job, context) {
    const { refitGate } = await import('../../../compress/gates.ts');
    const { sortedTeacherGate, prefixGate } = await import('../../../compress/gates.ts');
    const { readHeldOutTokens, readOrder, readTeacherFfn, writeDescendants } = await import('./read.ts');
    const block = jobIndex(job.id);
    const { config } = context.loaded;
    const { gelu, width: blockWidth, hidden } = context.architecture;
    const teacher = await readTeacherFfn(context, block);
    const units = await readOrder(context, block);
    const steps = descents(config, hidden);
    const options = { ridge: config.order.ridge, method: config.refit.method };
    const heldOut = await readHeldOutTokens(context, block);
    const { composedFits, teacherFits } = await import('./inputs.ts');
    const source: FitSource = isComposed(config)
      ? await composedFits(context, block, teacher)
      : await teacherFits(context, block, teacher, heldOut);
    try {
      const widths = steps.map(({ width }) => width);
      const refitted = source.fit(units, widths, options);
      const measured = source.errors(refitted.map(({ weights }) => weights));
      const few = heldOut.subarray(0, 1024 * blockWidth);
      const narrowest = steps[steps.length - 1].width;
      reportGates(context, block, [
        sortedTeacherGate(teacher, units, few, gelu),
        prefixGate(teacher, units, narrowest, few, gelu),
        ...refitted.map((descendant, index) =>
          refitGate({
            predicted: descendant.relativePredictedError,
            measured: measured[index],
            width: descendant.width,
            hidden,
            tokens: source.tokens,
          }),
        ),
      ]);
      const descendants = refitted.map((descendant, index) => ({
        id: `${blockName(block)}/${widthName(descendant.width)}`,
        ...steps[index],
        predictedError: descendant.relativePredictedError,
        refitError: measured[index].relative,
      }));
      const output = join(context.folder, files.descendants);
      await writeDescendants(output, refitted);
      await writeJsonAtomic(join(context.folder, files.descendantsInfo), { block, descendants });
      await source.advance(
        refitted.map(({ weights }) => weights),
        output,
      );
      return {
        descendants: descendants.map(({ id, predictedError, refitError }) => ({
          id,
          predictedError,
          refitError,
        })),
      };
    } finally {
      await source.close();
    }
  },
};

/** Only the affine refit has targets to fit; without it nothing here looks at a compressed model. */
function isComposed(config: Config): boolean {
  return config.inputs.from === 'composed' && config.refit.method === 'affine';
}

/** One failure stops the job; what cannot be decided is one warning per block. */
function reportGates(context: JobContext, block: number, gates: readonly GateResult[]): void {
  const notes: string[] = [];
  for (const gate of gates) {
    if (gate.ok) {
      if (gate.note !== undefined) notes.push(gate.note);
      continue;
    }
    fail({
      reason: 'gate-failed',
      subject: `refit, ${blockName(block)}`,
      found: gate.why,
      next: 'this protects the library from a wrong result; please report it with events.jsonl of this run',
    });
  }
  if (notes.length > 0) context.warn(`${blockName(block)}: ${notes.join('; ')}`);
}
