import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { loadOnnxRuntime, type OnnxRuntime } from '../../pipeline/graphs/onnx-runtime.ts';
import type { Library } from '../../pipeline/library/open.ts';
import { uploadLibrary } from '../../pipeline/library/upload.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { random } from '../../pipeline/util/random.ts';
import { extentOf, type Architecture } from '../../pipeline/model/architecture.ts';

/** Each activation, number of channels, pooling and shape of images once. */
export const kinds: readonly { title: string; architecture: Partial<Architecture> }[] = [
  { title: 'GELU exact, 3 channels', architecture: { gelu: 'exact', channels: 3 } },
  { title: 'GELU tanh, 1 channel, 8 x 12', architecture: { gelu: 'tanh', channels: 1, imageSize: [8, 12] } },
  { title: 'quick GELU, mean of the patches', architecture: { gelu: 'quick', channels: 3, pool: 'mean' } },
  { title: 'mean of the normalised patches', architecture: { channels: 3, pool: 'normed-mean' } },
  { title: 'a representation layer', architecture: { representation: 5 } },
  { title: 'a distilled DeiT', architecture: { family: 'deit' } },
  {
    title: 'a CCT',
    architecture: { family: 'cct', patchSize: 2, tokenizer: { layers: 1, kernel: 3, channels: 4 } },
  },
];

/** The optional runtime, or the end of this test with the reason. */
export async function runtimeOrSkip(test: Context): Promise<OnnxRuntime> {
  const runtime = await loadOnnxRuntime();
  if (typeof runtime !== 'string') return runtime;
  console.log(`      ${runtime}`);
  test.skip();
}

/** Normal values, [batch, C, S, S] and the same as [batch, S, S, C]. */
export function randomImages({ manifest }: Library, batch: number) {
  const { imageSize, channels } = manifest.teacher.architecture;
  const { height, width } = extentOf(imageSize);
  const size = height * width;
  const draw = random(5, 'images', batch);
  const planes = Float32Array.from({ length: batch * channels * size }, () => draw.normal());
  const pixels = Float32Array.from(planes);
  planes.forEach((value, index) => {
    const [image, channel, place] = [
      Math.floor(index / (channels * size)),
      Math.floor(index / size) % channels,
      index % size,
    ];
    pixels[(image * size + place) * channels + channel] = value;
  });
  return {
    planes: { shape: [batch, channels, height, width], data: planes },
    pixels: { shape: [batch, height, width, channels], data: pixels },
  };
}

/** What pipeline/model/encoder.ts computes for a composition, on the engine that is loaded. */
export async function expectedLogits(
  library: Library,
  descendants: readonly string[],
  pixels: { shape: number[]; data: Float32Array },
): Promise<Float32Array> {
  const model = await uploadLibrary(library, descendants);
  const logits = tf.tidy(() => {
    const images = tf.tensor(pixels.data, pixels.shape);
    return forward(model.teacher, images, { ffn: (index) => model.ffn(descendants[index]!) }).logits;
  });
  const values = (await logits.data<'float32'>()).slice();
  logits.dispose();
  model.dispose();
  return values;
}

/** Largest absolute difference at most `tolerance`, and outputs that say something. */
export function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(found.length, expected.length);
  const values = Array.from(expected);
  assert.ok(Math.max(...values) - Math.min(...values) > 0.1, 'the expected values are all alike');
  const worst = Math.max(...values.map((value, i) => Math.abs(found[i]! - value)));
  assert.ok(worst <= tolerance, `differs by ${worst}, at most ${tolerance}`);
}

/** TensorFlow.js' own loader over HTTP, with a web server that is this folder. */
export function served(folder: string): tf.io.IOHandler {
  return tf.io.http('http://model.test/model.json', {
    async fetchFunc(url) {
      const bytes = await readFile(join(folder, new URL(url).pathname));
      return new Response(Uint8Array.from(bytes));
    },
  });
}
