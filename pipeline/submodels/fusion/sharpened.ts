import { fuseAll } from './fuse-all.ts';
import type { FusionHead } from './fusion-head.ts';
import type { FusionTask } from './fusion-task.ts';
import { bestSharpness } from './score.ts';
import { labelsOf } from './targets.ts';

/** A head whose logits are scaled as held-out labels want them: an answer's probability is then what it says. */
export function sharpened(
  head: FusionHead,
  { heldOut, classes }: Pick<FusionTask, 'heldOut' | 'classes'>,
): FusionHead {
  const logits = fuseAll(head, heldOut.features, heldOut.images);
  const sharpness = bestSharpness(logits, labelsOf(heldOut, classes), classes);
  const scaled = (values: Float32Array): Float32Array => values.map((value) => value * sharpness);
  const last = head.layers.length - 1;
  return {
    ...head,
    layers: head.layers.map((layer, index) =>
      index < last ? layer : { ...layer, kernel: scaled(layer.kernel), bias: scaled(layer.bias) },
    ),
  };
}
