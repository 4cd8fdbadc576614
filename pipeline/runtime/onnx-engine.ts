import type * as Ort from 'onnxruntime-node';
import type { OnnxRuntime } from '../graphs/onnx-runtime.ts';
import { requireOnnx } from '../library/require-onnx.ts';
import type { Library } from '../library/open.ts';
import { extentOf, outputName } from '../model/architecture.ts';
import type { HostWeights } from '../model/host-weights.ts';
import type { ResidentBlock, RuntimeEngine } from './engine.ts';

/** Feeds of the frame's graph: the four tensors of a block by name. */
interface OnnxBlock extends ResidentBlock {
  readonly feeds: Readonly<Record<string, Ort.Tensor>>;
}

/**
 * One ONNX Runtime session over `frame.onnx`, whose FFN weights are graph inputs. Their arrays are wrapped, not copied.
 * @param threads of one operation; default: as many as ONNX Runtime thinks right
 * @throws BlockForgeError `engine-unavailable` without onnxruntime-node, `library-invalid` without the ONNX form
 */
export async function openOnnxEngine(library: Library, threads?: number): Promise<RuntimeEngine> {
  const { runtime: ort, frame } = await requireOnnx(library, 'use the engine tfjs');
  // The graph's weights lie in the frame's file.
  const session = await library.files.read(library.manifest.frame, () =>
    library.files.read(frame, (path) =>
      ort.InferenceSession.create(path, {
        graphOptimizationLevel: 'all',
        ...(threads !== undefined && { intraOpNumThreads: threads }),
      }),
    ),
  );
  const { architecture } = library.manifest.teacher;
  const { channels, imageSize } = architecture;
  const name = outputName(architecture);
  const { height, width } = extentOf(imageSize);
  return {
    description: `onnxruntime ${ort.env.versions.node ?? ort.env.versions.common}`,
    hold(_block, tensors): OnnxBlock {
      return { feeds: wrap(ort, tensors), release: () => {} };
    },
    async run(images, batch, blocks) {
      const feeds: Record<string, Ort.Tensor> = {
        images: new ort.Tensor('float32', images, [batch, channels, height, width]),
      };
      for (const block of blocks) Object.assign(feeds, (block as OnnxBlock).feeds);
      const answer = (await session.run(feeds))[name];
      if (answer === undefined) throw new Error(`${library.pathOf(frame)}: no output "${name}"`);
      return answer.data as Float32Array;
    },
    close: () => session.release(),
  };
}

function wrap(ort: OnnxRuntime, tensors: HostWeights): Record<string, Ort.Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [name, new ort.Tensor('float32', data, shape)]),
  );
}
