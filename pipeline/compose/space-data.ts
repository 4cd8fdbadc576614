import { measureNames } from '../measure/measure-names.ts';
import type { Manifest, ManifestDescendant } from '../library/manifest.ts';
import { predictorCost } from '../library/predictor-cost.ts';
import { frameCosts } from '../model/costs.ts';
import type { LatencyModel } from '../profile/latency.ts';
import type { LossData } from './loss-model.ts';
import type { SpaceData } from './space.ts';

/**
 * A library as numbers to choose by, for `openSpace`.
 * @param latency without one, nothing can be said or limited of it
 */
export function spaceData(manifest: Manifest, latency?: LatencyModel): SpaceData {
  const { loss, costOf } = lossOf(manifest);
  const { params, macs } = frameCosts(manifest.teacher.architecture);
  return {
    loss,
    latency: latency === undefined ? null : { describe: latency.describe, isWhole: latency.isWhole },
    frame: { params, macs, sizeBytes: manifest.frame.sizeBytes, latencyMs: latency?.frameMs ?? 0 },
    blocks: manifest.blocks.map(({ descendants }, block) =>
      descendants.map((descendant) => ({
        id: descendant.id,
        width: descendant.width,
        uses: {
          params: descendant.params,
          macs: descendant.macs,
          sizeBytes: descendant.file.sizeBytes,
          latencyMs: latency?.blockMs(descendant.width, block) ?? 0,
        },
        cost: costOf(descendant),
      })),
    ),
  };
}

function lossOf({ predictor, additivity, blocks, teacher: { measure } }: Manifest): {
  readonly loss: LossData;
  readonly costOf: (descendant: ManifestDescendant) => number;
} {
  const all = blocks.flatMap(({ descendants }) => descendants);
  const { top1, divergence } = measureNames(measure?.kind);
  const of = measure && { of: top1 };
  if (predictor !== undefined && all.every((item) => !Number.isNaN(predictorCost({ predictor }, item)))) {
    const { chosen, crossValidated, parameters } = predictor;
    return {
      loss: {
        by: 'predictor',
        ...of,
        describe: `the library's curve over summed ${divergence}${meanError((chosen ?? crossValidated).all, chosen && 'chosen')}`,
        curve: parameters,
        ...(chosen && { spread: chosen.spread }),
      },
      costOf: (item) => predictorCost({ predictor }, item),
    };
  }
  const isAveraged = all.every(({ deltas }) => deltas.average !== undefined);
  const errors = isAveraged ? additivity?.averageSum.all : additivity?.teacherSum.all;
  return {
    loss: {
      by: isAveraged ? 'average-sum' : 'teacher-sum',
      ...of,
      describe: `the sum of the blocks' ${isAveraged ? 'average losses' : "losses in the teacher's context"}${meanError(errors)}`,
      curve: null,
    },
    costOf: ({ deltas: { teacher, average = teacher } }) => 0 - (isAveraged ? average : teacher).top1Pp.mean,
  };
}

function meanError(
  errors: { readonly compositions: number; readonly meanAbsoluteErrorPp: number | null } | undefined,
  kind = 'random',
): string {
  return errors === undefined || errors.meanAbsoluteErrorPp === null
    ? ''
    : `; mean error ${errors.meanAbsoluteErrorPp.toFixed(2)} pp over ${errors.compositions} ${kind} compositions`;
}
