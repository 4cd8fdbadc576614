import { join } from 'node:path';
import { prefixGate, refitGate, sortedTeacherGate, type GateResult } from '../../../compress/gates.ts';
import type { Ridge } from '../../../compress/ridge.ts';
import type { BlocksConfig } from '../schema.ts';
import { blockName, widthName } from '../../../model/architecture.ts';
import type { RefittedDescendant } from '../../../measure/descendant.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import type { Json } from '../../../util/hash.ts';
import type { ImageHandling } from '../../common/artefacts.ts';
import { readTeacherInfo } from '../../common/open.ts';
import { files, type DescendantsFile } from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { openInputs, type InputSettings } from './inputs.ts';
import { readHeldOutTokens, readOrder, readTeacherFfn, writeDescendants } from './read.ts';

export type RefitSettings = BlocksConfig['refit'] &
  InputSettings & { readonly ridge: Ridge; readonly steps: readonly UniformStep[] };

/**
 * Cuts one block to every width and gives each the closed-form best fc2 (docs/design.md, refit): for the teacher's own
 * inputs and outputs, or (`inputs.from: composed`) half for those and half for what compressed models show it.
 * Reads: order, statistics, the teacher's block, held-out tokens; composed: calibration images and the refits of all
 * earlier blocks. Writes: the refitted descendants and, for each, the predicted and the measured error.
 * Stops when a gate fails: sorted block != block, slice != mask, measured != predicted.
 */
export async function run(
  { settings, handling }: Job<RefitSettings, ImageHandling>,
  context: JobContext,
): Promise<Json> {
  const { block, steps, ridge, method, shards } = settings;
  const { gelu, width: blockWidth, hidden } = (await readTeacherInfo(context)).architecture;
  const teacher = await readTeacherFfn(context, block);
  const units = await readOrder(context, block);
  const heldOut = await readHeldOutTokens(context, block, shards);
  const inputs = await openInputs(context, 'refit', settings, steps.length, handling.images);
  try {
    const widths = steps.map(({ width }) => width);
    const { descendants: refitted, tokens } = await inputs.fit(units, widths, { ridge, method });
    const measured = await inputs.errors(refitted.map(({ weights }) => weights));
    const few = heldOut.subarray(0, 1024 * blockWidth);
    reportGates(context, block, [
      sortedTeacherGate(teacher, units, few, gelu),
      prefixGate(teacher, units, Math.min(...widths), few, gelu),
      ...refitted.map((descendant, index) =>
        refitGate({
          predicted: descendant.relativePredictedError,
          measured: measured[index]!,
          width: descendant.width,
          hidden,
          tokens,
        }),
      ),
    ]);
    const descendants = refitted.map((descendant, index): RefittedDescendant => {
      const { relative, standardError } = measured[index]!;
      return {
        id: `${blockName(block)}/${widthName(descendant.width)}`,
        ...steps[index]!,
        predictedError: descendant.relativePredictedError,
        heldOutError: { refit: relative },
        refitStandardError: Number.isFinite(standardError) ? standardError : undefined,
      };
    });
    const output = join(context.folder, files.descendants);
    const file: DescendantsFile<RefittedDescendant> = { block, descendants };
    await writeDescendants(
      output,
      refitted.map(({ weights }) => weights),
    );
    await writeJsonAtomic(join(context.folder, files.descendantsFile), file);
    await inputs.advance(refitted.map(({ weights }) => weights));
    return {
      descendants: descendants.map(({ id, predictedError, heldOutError }) => ({
        id,
        predictedError,
        refitError: heldOutError.refit,
      })),
    };
  } finally {
    await inputs.close();
  }
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
