import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prefixGate, refitGate, sortedTeacherGate, type GateResult } from '../../../compress/gates.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { widthIn } from '../../../measure/level.ts';
import type { RefittedDescendant } from '../../../measure/descendant.ts';
import { blockName, widthName } from '../../../model/architecture.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import type { FittedBlock } from '../../../recipe/fit-levels.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import type { Json } from '../../../util/hash.ts';
import { indices } from '../../common/artefacts.ts';
import { readTeacherInfo } from '../../common/open.ts';
import { files, type DescendantsFile } from '../artefacts.ts';
import { readDescendantsFile, writeDescendants } from './descendants.ts';
import { fitBlocks, type RefitHandling, type RefitSettings } from './fit.ts';
import { readFewHeldOutTokens, readOrder, readTeacherFfn } from './read.ts';

/** In the resume folder: the records of a fitted block, written behind its weights. */
const recordsFile = (block: number): string => `${blockName(block)}.json`;

/**
 * Cuts every block to the job's widths and gives each the closed-form best fc2 (docs/design.md, refit), block after block:
 * for the teacher's own inputs and outputs, or (`inputs.from: composed`) in part for those and in part for what the model of
 * that width shows it.
 * Reads: orders, the teacher, held-out tokens, statistics; composed: calibration images. Writes: the refitted descendants
 * and, for each, the predicted and the measured error. Stops when a gate fails: sorted block != block, slice != mask,
 * measured != predicted. Resumes inside the job: at the block, and at the images of it whose streams are on disk.
 */
export async function run(job: Job<RefitSettings, RefitHandling>, context: JobContext): Promise<Json> {
  const { steps } = job.settings;
  const { depth } = (await readTeacherInfo(context)).architecture;
  const saved = (file: string): string => join(context.resumeFolder, file);
  const records: (readonly RefittedDescendant[])[] = [];
  const fitted: (readonly FfnWeights[])[] = [];
  for (const block of indices(depth)) {
    if (!existsSync(saved(recordsFile(block)))) break;
    records.push(await readJson<RefittedDescendant[]>(saved(recordsFile(block))));
    fitted.push(await readDescendantsFile(saved(files.descendants(block))));
  }
  for await (const found of fitBlocks(job, fitted, context)) {
    const { block, levels } = found;
    await checkBlock(job.settings, found, context);
    const own = levels.map((level, index) => recordOf(block, steps[index]!, level));
    await writeDescendants(
      saved(files.descendants(block)),
      levels.map(({ weights }) => weights),
    );
    await writeJsonAtomic(saved(recordsFile(block)), own);
    records.push(own);
  }
  for (const block of indices(depth)) {
    const name = files.descendants(block);
    await copyFile(saved(name), join(context.folder, name));
  }
  const file: DescendantsFile<RefittedDescendant> = { blocks: records };
  await writeJsonAtomic(join(context.folder, files.descendantsFile), file);
  return {
    descendants: records.flat().map(({ id, predictedError, heldOutError }) => ({
      id,
      predictedError,
      refitError: heldOutError.refit,
    })),
  };
}

type Level = FittedBlock['levels'][number];

/** All blocks of a refit are fitted. */
function predictedError({ fitted }: Level): number {
  if (fitted === null) throw new RangeError('a block that stayed as it was has no predicted error');
  return fitted.relativePredictedError;
}

function recordOf(block: number, step: UniformStep, level: Level): RefittedDescendant {
  const { weights, heldOut } = level;
  const { relative, standardError } = heldOut;
  return {
    id: `${blockName(block)}/${widthName(weights.hidden)}`,
    sparsity: step.sparsity,
    width: weights.hidden,
    predictedError: predictedError(level),
    heldOutError: { refit: relative },
    refitStandardError: Number.isFinite(standardError) ? standardError : undefined,
  };
}

/** Inputs that the first two gates look at: of a misplaced unit, any number of them tells. */
const gateTokens = 1024;

/** @throws BlockForgeError `gate-failed` */
async function checkBlock(
  { steps, statistics }: Pick<RefitSettings, 'steps' | 'statistics'>,
  { block, levels, tokens }: FittedBlock,
  context: JobContext,
): Promise<void> {
  const { gelu } = (await readTeacherInfo(context)).architecture;
  const teacher = await readTeacherFfn(context, block);
  const { width, hidden } = teacher;
  const units = await readOrder(context, block);
  const few = await readFewHeldOutTokens(context, block, { jobs: statistics, width, most: gateTokens });
  const narrowest = Math.min(...steps.map((step) => widthIn(step, block)));
  reportGates(context, block, [
    sortedTeacherGate(teacher, units, few, gelu),
    prefixGate(teacher, units, narrowest, few, gelu),
    ...levels.map((level) =>
      refitGate({
        predicted: predictedError(level),
        measured: level.heldOut,
        width: level.weights.hidden,
        hidden,
        tokens,
      }),
    ),
  ]);
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
