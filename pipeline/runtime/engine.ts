import type { HostWeights } from '../model/host-weights.ts';

/** A descendant's weights in the form an engine computes with. */
export interface ResidentBlock {
  /** Gives the memory back. Not called while an inference that started with this block is running. */
  release(): void;
}

/**
 * What computes. It holds the teacher's frame; the FFN blocks are handed to every run, so exchanging one touches nothing
 * else: no session is built again, nothing is compiled, and a run goes on with the blocks it was started with.
 */
export interface RuntimeEngine {
  /** `onnxruntime 1.30.0`, for reports. */
  readonly description: string;
  /** @param tensors by timm's full names, linear weights [out, in] */
  hold(block: number, tensors: HostWeights): ResidentBlock;
  /**
   * @param images [B, C, S, S], normalised
   * @param blocks one per block of the model, as `hold` returned them
   * @returns logits [B, classes], in an array of their own
   */
  run(images: Float32Array, batch: number, blocks: readonly ResidentBlock[]): Promise<Float32Array>;
  close(): Promise<void>;
}

export type RuntimeEngineName = 'onnxruntime' | 'tfjs';
