import * as tf from '@tensorflow/tfjs-core';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { changeAxes } from '../../pipeline/slicing/change-axes.ts';
import { cutModel } from '../../pipeline/slicing/cut.ts';
import { reconstructionAxes } from '../../pipeline/slicing/find-axes.ts';
import { foldVit } from '../../pipeline/slicing/fold.ts';
import { limited } from '../../pipeline/slicing/limited.ts';
import { modelSensitivity } from '../../pipeline/slicing/model-sensitivity.ts';
import { collectMoments } from '../../pipeline/slicing/moments.ts';
import { refitModel } from '../../pipeline/slicing/refit-model.ts';
import type { RefittedLayer } from '../../pipeline/slicing/refitted-layers.ts';
import { defaultSlicing } from '../../pipeline/slicing/schema.ts';
import { cutOf, type ModelShape } from '../../pipeline/slicing/shape.ts';
import { visitImages } from '../../pipeline/slicing/visit-images.ts';
import type { FrontModel } from './front-model.ts';

/** Narrower attention by what cuts sub-models (`pipeline/slicing`): everything that is the same for all cuts is found once. */
export interface AttentionCuts {
  /** The teacher with so many dimensions per head and hidden units; the layers that were cut are refitted in closed form. */
  cut(shape: ModelShape): Promise<FrontModel>;
}

/**
 * The teacher folded, its queries and keys turned to the singular directions of their logits, its values to what they add to the stream, its
 * hidden units in order of elimination. The stream stays as it is, and so does the head.
 * @param batches pixels [B, S, S, C] of the calibration images, the same every time; taken over
 */
export async function openAttentionCuts(
  teacher: FrontModel,
  batches: () => AsyncIterable<tf.Tensor4D>,
  seed: number,
): Promise<AttentionCuts> {
  const { gradientImages, ridge } = defaultSlicing;
  const signal = new AbortController().signal;
  const folded = foldVit(teacher.weights, teacher.architecture);
  const sensitivity = await modelSensitivity(folded, limited(batches, gradientImages)(), {
    images: gradientImages,
    seed,
    signal,
  });
  const tensors = uploadTeacher(folded.weights, folded.architecture);
  const streams: tf.Tensor[] = [];
  try {
    const { embed } = backboneOf(folded.architecture);
    await visitImages(batches(), { signal }, (pixels) => {
      streams.push(tf.tidy(() => embed(tensors, pixels)));
    });
    const moments = await collectMoments(tensors, streams, sensitivity, () => undefined);
    const axes = reconstructionAxes(folded, moments, sensitivity);
    const whole = changeAxes(folded, { ...axes, stream: identity(folded.architecture.width) });
    return {
      cut(shape) {
        const cut = cutModel(whole, cutOf(whole.architecture, shape));
        const layers = layersOf(shape, teacher.architecture.hidden);
        return refitModel(whole, cut, batches(), { layers, ridge, sensitivity, signal });
      },
    };
  } finally {
    tf.dispose(streams);
    tensors.dispose();
  }
}

/** Of a block: attention is always cut here unless it is whole, the FFN where units go. */
function layersOf({ hidden }: ModelShape, whole: number): readonly RefittedLayer[] {
  return hidden < whole ? ['attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2'] : ['attn.qkv', 'attn.proj'];
}

/** [n, n] */
function identity(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
}
