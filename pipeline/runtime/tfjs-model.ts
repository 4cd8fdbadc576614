import * as tf from '@tensorflow/tfjs-core';
import { extentOf, type Architecture } from '../model/architecture.ts';
import { forward } from '../model/encoder.ts';
import { disposeFfn, uploadFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import { hostFfn, type HostWeights } from '../model/host-weights.ts';
import { uploadWeights } from '../model/upload.ts';
import type { ResidentBlock, RuntimeEngine } from './engine.ts';

interface TfjsBlock extends ResidentBlock {
  readonly ffn: FfnTensors;
}

/**
 * The pipeline's own forward pass, on the backend that TensorFlow.js has at that moment, here or in a browser.
 * @param frame the teacher without its FFN blocks, by canonical name
 */
export function tfjsModel(
  frame: HostWeights,
  architecture: Architecture,
  description: string,
): RuntimeEngine {
  const { channels } = architecture;
  const { height, width } = extentOf(architecture.imageSize);
  const weights = uploadWeights(frame, architecture, Object.keys(frame));
  return {
    description: `TensorFlow.js: ${description}`,
    hold(block, tensors): TfjsBlock {
      const ffn = uploadFfn(hostFfn(tensors, block));
      return { ffn, release: () => disposeFfn(ffn) };
    },
    async run(images, batch, blocks) {
      const logits = tf.tidy(() => {
        const planes = tf.tensor4d(images, [batch, channels, height, width]);
        const pixels = tf.transpose(planes, [0, 2, 3, 1]);
        const ffn = (index: number) => (blocks[index] as TfjsBlock).ffn;
        return forward({ architecture, weights }, pixels, { ffn }).logits;
      });
      try {
        return await logits.data<'float32'>();
      } finally {
        logits.dispose();
      }
    },
    close() {
      tf.dispose(weights);
      return Promise.resolve();
    },
  };
}
