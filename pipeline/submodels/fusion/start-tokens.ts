import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FeatureMoments } from './feature-moments.ts';
import { fuseAll } from './fuse-all.ts';
import type { FusionHead, FusionLayer } from './fusion-head.ts';
import type { FusionTask } from './fusion-task.ts';
import { precisionOf, ridgeFit } from './ridge-fit.ts';
import { crossEntropyOf, top1Of } from './score.ts';
import type { Standardisation } from './standardised.ts';
import { labelsOf } from './targets.ts';
import { isBetter } from './train-head.ts';

/**
 * The head `tokens` in closed form: the ridge regression of the teacher's token on the standardised features, then the teacher's
 * own last layer (published is training from random weights). The ridge is the one with the best held-out top-1, ties by
 * cross-entropy; absent sub-models are imputed by the same.
 * @param moments of the features with the teacher's tokens, [F, W]
 * @throws `signal.reason` on abort
 */
export async function startTokens(
  {
    widths,
    classes,
    heldOut,
    ridges,
    signal,
  }: Pick<FusionTask, 'widths' | 'classes' | 'heldOut' | 'signal'> & { readonly ridges: readonly number[] },
  teacherHead: FusionLayer,
  standardisation: Standardisation,
  moments: FeatureMoments,
): Promise<{ readonly ridge: number; readonly head: FusionHead }> {
  const labels = labelsOf(heldOut, classes);
  let best: { ridge: number; head: FusionHead; top1: number; crossEntropy: number } | undefined;
  for (const ridge of ridges) {
    await nextTurn();
    signal.throwIfAborted();
    const kernel = ridgeFit(moments, ridge);
    const toToken: FusionLayer = {
      inputs: kernel.rows,
      outputs: kernel.columns,
      kernel: Float32Array.from(kernel.data),
      bias: Float32Array.from(moments.targetMean),
    };
    const head: FusionHead = {
      kind: 'tokens',
      classes,
      widths,
      ...standardisation,
      precision: new Float32Array(),
      activation: 'identity',
      layers: [toToken, teacherHead],
    };
    const logits = fuseAll(head, heldOut.features, heldOut.images);
    const found = {
      ridge,
      head,
      top1: top1Of(logits, labels, classes),
      crossEntropy: crossEntropyOf(logits, labels, classes),
    };
    if (best === undefined || isBetter(found, best)) best = found;
  }
  if (best === undefined) throw new Error('no ridge to try');
  const { ridge, head } = best;
  return { ridge, head: { ...head, precision: precisionOf(moments, ridge) } };
}
