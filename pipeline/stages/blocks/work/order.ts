import { join } from 'node:path';
import type { Stage } from '../../../runner/contract.ts';
import { files, indices, jobIndex, orderJob, statisticsJob, teacherJob } from '../artefacts.ts';

/**
 * Sorts the hidden units of one block, most worth keeping first; every narrower width is a prefix of it.
 * Reads: statistics, the teacher's block. Writes: order.safetensors (units, predicted error of every width).
 * Costs: about H^3 multiply-adds in float64. Stale when: statistics, criterion or ridge change.
 */
export const order: Stage = {
  name: 'order',
  version: 1,
  needsEngine: false,
  plan: ({ loaded, architecture, slots }) =>
    indices(architecture.depth).map((block) => ({
      id: orderJob(block),
      needs: [teacherJob, ...indices(slots).map(statisticsJob)],
      settings: loaded.config.order,
      estimate: {
        seconds: 0.2 + 6 * (architecture.hidden / 3072) ** 3 * 3,
        memoryBytes: 5e8 + architecture.hidden ** 2 * 8 * 4,
        diskBytes: architecture.hidden * 16,
      },
    })),
  async run(job, context) {
    const { writeSafetensors } = await import('../../../model/safetensors.ts');
    const { criteria } = await import('../../../compress/order/criteria.ts');
    const { readStatistics, readTeacherFfn } = await import('./read.ts');
    const block = jobIndex(job.id);
    const settings = context.loaded.config.order;
    const statistics = await readStatistics(context, block);
    const weights = await readTeacherFfn(context, block);
    const result = criteria[settings.criterion].order({ statistics, weights, ridge: settings.ridge });
    await writeSafetensors(
      join(context.folder, files.order),
      {
        units: { shape: [result.units.length], data: result.units },
        ...(result.predictedError && {
          predictedError: { shape: [result.predictedError.length], data: result.predictedError },
        }),
      },
      { criterion: settings.criterion, ridge: String(settings.ridge) },
    );
    return { criterion: settings.criterion, tokens: statistics.count };
  },
};
