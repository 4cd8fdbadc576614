import { join } from 'node:path';
import type { Stage } from '../runner/contract.ts';
import { writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { blockName, widthName } from '../model/architecture.ts';
import { sampledTokens } from './statistics.ts';
import { files, indices, jobIndex, orderJob, refitJob, statisticsJob, teacherJob } from './jobs.ts';
import { descents } from './widths.ts';

/**
 * Cuts one block to every width and gives each the closed-form best fc2 (DESIGN 4.2).
 * Reads: order, statistics, the teacher's block, held-out tokens. Writes: the refitted descendants and, for each, the
 * predicted and the measured error. Stops when a gate fails: sorted block != block, slice != mask, measured != predicted.
 */
export const refit: Stage = {
  name: 'refit',
  version: 1,
  plan: ({ loaded, architecture, slots }) =>
    indices(architecture.depth).map((block) => ({
      id: refitJob(block),
      needs: [teacherJob, orderJob(block), ...indices(slots).map(statisticsJob)],
      settings: {
        refit: loaded.config.refit,
        ridge: loaded.config.order.ridge,
        widths: descents(loaded.config, architecture.hidden).map(({ width }) => width),
      },
      estimate: {
        seconds: 0.3 + 6 * (architecture.hidden / 3072) ** 3,
        memoryBytes: 5e8 + architecture.hidden ** 2 * 8 * 3,
        diskBytes: descents(loaded.config, architecture.hidden).reduce(
          (bytes, { width }) => bytes + width * architecture.width * 8,
          1e4,
        ),
      },
    })),
  async run(job, context) {
    const { refit: refitWidths } = await import('../compress/refit.ts');
    const { refitGate } = await import('../compress/refit-gate.ts');
    const { sortedTeacherGate, prefixGate } = await import('../compress/gates.ts');
    const { outputErrors } = await import('../compress/output-error.ts');
    const { readHeldOutTokens, readOrder, readStatistics, readTeacherFfn, writeDescendants } =
      await import('./read.ts');
    const block = jobIndex(job.id);
    const { config } = context.loaded;
    const { architecture } = context;
    const teacher = await readTeacherFfn(context, block);
    const statistics = await readStatistics(context, block);
    const units = await readOrder(context, block);
    const heldOut = await readHeldOutTokens(context, block);
    const steps = descents(config, architecture.hidden);
    const refitted = refitWidths(
      teacher,
      statistics,
      units,
      steps.map(({ width }) => width),
      { ridge: config.order.ridge, method: config.refit.method },
    );
    const narrowest = steps[steps.length - 1].width;
    const measured = outputErrors(
      teacher,
      refitted.map(({ weights }) => weights),
      heldOut,
      architecture.gelu,
      { tokensPerImage: sampledTokens(config, architecture) },
    );
    const few = heldOut.subarray(0, 1024 * architecture.width);
    const gates = [
      sortedTeacherGate(teacher, units, few, architecture.gelu),
      prefixGate(teacher, units, narrowest, few, architecture.gelu),
      ...refitted.map((descendant, index) =>
        refitGate({
          predicted: descendant.relativePredictedError,
          measured: measured[index],
          width: descendant.width,
          hidden: architecture.hidden,
          tokens: statistics.count,
        }),
      ),
    ];
    for (const gate of gates) {
      if (gate.ok) {
        if (gate.note !== undefined) context.warn(gate.note);
        continue;
      }
      fail({
        reason: 'gate-failed',
        subject: `refit, ${blockName(block)}`,
        found: gate.why,
        next: 'this protects the library from a wrong result; please report it with events.jsonl of this run',
      });
    }
    const descendants = refitted.map((descendant, index) => ({
      id: `${blockName(block)}/${widthName(descendant.width)}`,
      ...steps[index],
      predictedError: descendant.relativePredictedError,
      refitError: measured[index].relative,
    }));
    await writeDescendants(join(context.folder, files.descendants), refitted);
    await writeJsonAtomic(join(context.folder, files.descendantsInfo), { block, descendants });
    return {
      descendants: descendants.map(({ id, predictedError, refitError }) => ({
        id,
        predictedError,
        refitError,
      })),
    };
  },
};
