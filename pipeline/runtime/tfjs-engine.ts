import * as tf from '@tensorflow/tfjs-core';
import { extentOf } from '../model/architecture.ts';
import { hostFfn } from '../model/host-weights.ts';
import type { Library } from '../library/open.ts';
import { forward } from '../model/encoder.ts';
import { disposeFfn, uploadFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import { uploadWeights } from '../model/upload.ts';
import { loadEngine, type EngineChoice } from '../tensor/engine.ts';
import type { ResidentBlock, RuntimeEngine } from './engine.ts';

interface TfjsBlock extends ResidentBlock {
  readonly ffn: FfnTensors;
}

/**
 * TensorFlow.js on the fastest engine of this installation (or the one asked for), with the pipeline's own forward pass.
 * @throws BlockForgeError `engine-unavailable`, `library-invalid`, `file-invalid`
 */
export async function openTfjsEngine(
  library: Library,
  choice: EngineChoice = 'auto',
): Promise<RuntimeEngine> {
  const { description } = await loadEngine(choice);
  const { architecture } = library.manifest.teacher;
  const { channels } = architecture;
  const { height, width } = extentOf(architecture.imageSize);
  const frame = await library.readFrame();
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
