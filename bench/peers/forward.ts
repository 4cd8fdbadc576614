import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { tokensPerImage, type Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { withPrecision, type Precision } from '../../pipeline/tensor/recorded/precision.ts';
import { canCompute, type Row } from './comparison.ts';
import { ownSide, type Side } from './measure.ts';
import { productsSide, type ProductShape } from './products.ts';
import { architectureNamed, noiseImages, randomTeacher } from './random-teacher.ts';

export interface ForwardCase {
  readonly title: string;
  /** A published architecture's name. */
  readonly architecture: string;
  readonly images: number;
  readonly precision: Precision;
}

/** A whole forward pass to the logits. Ours leaves out of the last block what the head does not read; operations are counted with it. */
export function forwardRow({ title, architecture: name, images, precision }: ForwardCase): Row {
  const note = precision === 'float32' ? '' : `, ${precision}`;
  return {
    group: 'forward',
    title: `${title} forward, batch ${images}${note}`,
    async open({ engine, folder, peer }) {
      const architecture = architectureNamed(name);
      const { depth, heads, layerNormEpsilon: epsilon } = architecture;
      const host = randomTeacher(architecture);
      const pixels = noiseImages(images);
      const python = await peer(engine.threads);
      let torch: Side | undefined;
      if (python !== undefined) {
        const file = join(folder, 'forward.safetensors');
        await writeSafetensors(file, { ...host, pixels });
        torch = await python.prepare('forward', { file, depth, heads, epsilon, precision });
      }
      const model = uploadTeacher(host, architecture);
      const input = tf.tensor4d(pixels.data, pixels.shape);
      const isOurs = canCompute(engine, precision);
      const products = isOurs ? productsSide(layerProducts(architecture, images), precision) : undefined;
      return {
        flop: 2 * images * modelCosts(architecture).macs,
        ours: isOurs ? ourPass(model, input, precision) : undefined,
        products,
        peers: torch === undefined ? [] : [{ name: 'PyTorch', side: torch }],
        warmUp: 1,
        tolerance: precision === 'float32' ? 1e-4 : 5e-2,
        close() {
          model.dispose();
          products?.dispose();
          input.dispose();
        },
      };
    },
  };
}

function ourPass(model: TeacherTensors, pixels: tf.Tensor4D, precision: Precision): Side {
  const pass = () => tf.tidy(() => forward(model, pixels).logits.dataSync<'float32'>());
  return ownSide((count) => {
    let logits: Float32Array | undefined;
    for (let i = 0; i < count; i++) logits = withPrecision(precision, pass);
    return Array.from(logits ?? []);
  });
}

/** The products of one encoder layer. */
export function layerProducts(architecture: Architecture, images: number): ProductShape[] {
  const { width: D, hidden: H, heads } = architecture;
  const T = tokensPerImage(architecture);
  const rows = images * T;
  const each = [images, heads, T, D / heads];
  return [
    { left: [rows, D], right: [D, 3 * D] },
    { left: each, right: each, transposeRight: true },
    { left: [images, heads, T, T], right: each },
    { left: [rows, D], right: [D, D] },
    { left: [rows, D], right: [D, H] },
    { left: [rows, H], right: [H, D] },
  ];
}
