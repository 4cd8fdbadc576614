import { setImmediate as nextTurn } from 'node:timers/promises';
import { block, copyOf, matrix, type Matrix } from '../../tensor/float64/matrix.ts';
import type { FeatureMoments } from './feature-moments.ts';
import { fuseAll } from './fuse-all.ts';
import type { FusionHead } from './fusion-head.ts';
import type { FusionTask } from './fusion-task.ts';
import { precisionOf, ridgeFit } from './ridge-fit.ts';
import { bestSharpness, crossEntropyOf, top1Of } from './score.ts';
import type { Standardisation } from './standardised.ts';
import { labelsOf } from './targets.ts';

export interface RidgeHead {
  /** "ridge on labels, ridge 0.01" */
  readonly name: string;
  readonly ridge: number;
  readonly head: FusionHead;
}

/**
 * The best linear head for each kind of target: of the settings' ridges the one with the best held-out top-1, ties by
 * cross-entropy. Targets are linear outputs, not probabilities, so the logits are scaled as held-out labels want them.
 * @param kinds what the columns of the moments' targets are, K each
 * @throws `signal.reason` on abort
 */
export async function ridgeHeads(
  task: Pick<FusionTask, 'widths' | 'classes' | 'heldOut' | 'settings' | 'signal'>,
  standardisation: Standardisation,
  moments: FeatureMoments,
  kinds: readonly string[],
): Promise<readonly RidgeHead[]> {
  const { widths, classes, heldOut, settings, signal } = task;
  const labels = labelsOf(heldOut, classes);
  const best = new Map<string, { ridge: number; head: FusionHead; top1: number; crossEntropy: number }>();
  for (const ridge of settings.ridges) {
    await nextTurn();
    signal.throwIfAborted();
    const all = ridgeFit(moments, ridge);
    for (const [place, kind] of kinds.entries()) {
      const kernel = copyOf(block(all, 0, place * classes, all.rows, classes));
      const bias = moments.targetMean.slice(place * classes, (place + 1) * classes);
      const common = { kind: 'ridge', classes, widths, ...standardisation, activation: 'relu' } as const;
      const unscaled: FusionHead = {
        ...common,
        precision: new Float32Array(),
        layers: [layerOf(kernel, bias, 1)],
      };
      const logits = fuseAll(unscaled, heldOut.features, heldOut.images);
      const sharpness = bestSharpness(logits, labels, classes);
      const top1 = top1Of(logits, labels, classes);
      const crossEntropy = crossEntropyOf(logits, labels, classes, sharpness);
      const before = best.get(kind);
      if (
        before !== undefined &&
        (before.top1 > top1 || (before.top1 === top1 && before.crossEntropy <= crossEntropy))
      )
        continue;
      best.set(kind, {
        ridge,
        top1,
        crossEntropy,
        head: { ...unscaled, layers: [layerOf(kernel, bias, sharpness)] },
      });
    }
  }
  return [...best].map(([kind, { ridge, head }]) => ({
    name: `ridge on ${kind}, ridge ${ridge}`,
    ridge,
    // The same ridge as the head's, so that an absent sub-model is as if it had never been fitted with.
    head: { ...head, precision: precisionOf(moments, ridge) },
  }));
}

function layerOf(kernel: Matrix, bias: Float64Array, sharpness: number): FusionHead['layers'][number] {
  return {
    inputs: kernel.rows,
    outputs: kernel.columns,
    kernel: Float32Array.from(kernel.data, (value) => value * sharpness),
    bias: Float32Array.from(bias, (value) => value * sharpness),
  };
}

/** Targets [N, any] side by side. */
export function sideBySide(targets: readonly Float64Array[], images: number): Matrix {
  const widths = targets.map(({ length }) => length / images);
  const result = matrix(
    images,
    widths.reduce((sum, width) => sum + width, 0),
  );
  let start = 0;
  for (const [place, target] of targets.entries()) {
    const width = widths[place]!;
    for (let image = 0; image < images; image++) {
      const row = target.subarray(image * width, (image + 1) * width);
      result.data.set(row, image * result.columns + start);
    }
    start += width;
  }
  return result;
}
