import type * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import type { ModelTensors } from '../../pipeline/model/backbone.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { toTorchFfn } from '../../pipeline/library/weights.ts';
import { mergingForward } from './token-merging.ts';

/** A whole model of the comparison, on the host: every row is one, whatever was taken away. */
export interface FrontModel {
  readonly architecture: Architecture;
  readonly weights: HostWeights;
  /** Tokens that go after each layer's attention; none of it: as many as the model has. */
  readonly merged?: readonly number[] | undefined;
}

/** pixels [B, S, S, C] -> logits [B, classes]. Caller disposes. */
export function frontLogits(model: ModelTensors, pixels: tf.Tensor, merged?: readonly number[]): tf.Tensor2D {
  return merged === undefined ? forward(model, pixels).logits : mergingForward(model, pixels, { merged });
}

/** The model with other FFN blocks, all of one width. @throws RangeError for blocks of several: a bug */
export function withUnits({ architecture, weights }: FrontModel, ffns: readonly FfnWeights[]): FrontModel {
  const hidden = ffns[0]!.hidden;
  if (ffns.some((ffn) => ffn.hidden !== hidden)) throw new RangeError('blocks of several widths');
  const blocks = ffns.map((ffn, block) => toTorchFfn(ffn, block));
  return {
    architecture: { ...architecture, hidden },
    weights: Object.assign({}, weights, ...blocks) as HostWeights,
  };
}
