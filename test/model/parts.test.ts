import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { extentOf, type Architecture } from '../../pipeline/model/architecture.ts';
import { forward, head, walkBlocks } from '../../pipeline/model/encoder.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { functionCount } from '../../pipeline/tensor/recorded/attempt.ts';
import { plainly } from '../../pipeline/tensor/recorded/plainly.ts';
import { runsAsItIs } from '../../pipeline/tensor/recorded/recorded.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture as tiny, tinySwin } from '../support/checkpoints.ts';
import { describeOnEachEngine, enginesToTest } from '../support/engines.ts';
import { toyArchitecture } from './toy-backbone.ts';

const architectures: Readonly<Record<string, Architecture>> = {
  'a ViT': tiny,
  'a ViT with GELU by tanh': { ...tiny, gelu: 'tanh' },
  'a ViT with quick GELU': { ...tiny, gelu: 'quick' },
  'a ViT that averages patches': { ...tiny, pool: 'mean' },
  'a ViT that averages normalised patches': { ...tiny, pool: 'normed-mean' },
  'a ViT that averages patches as they are': { ...tiny, pool: 'unnormed-mean' },
  'a ViT with biases of relative positions': { ...tiny, relativePositionBias: true },
  'a ViT of wide images': { ...tiny, imageSize: [4, 12] },
  'a Swin': tinySwin,
  'a family of its own': toyArchitecture,
};

const pixelsOf = ({ imageSize, channels }: Architecture, images: number): tf.Tensor4D => {
  const { height, width } = extentOf(imageSize);
  const stream = random(5, 'parts', images);
  const values = Float32Array.from({ length: images * height * width * channels }, () => stream.normal());
  return tf.tensor4d(values, [images, height, width, channels]);
};

if (enginesToTest().includes('tensorflow')) {
  describeOnEachEngine('a block’s parts as functions', (engine) => {
    if (engine !== 'tensorflow') return;

    // Other tests of this process have their own.
    let others = 0;
    before(() => (others = runsAsItIs().length));
    const asItIs = () => runsAsItIs().slice(others);

    for (const [title, architecture] of Object.entries(architectures)) {
      it(`give ${title} the logits and features of plain operations within 1e-5`, () => {
        const model = uploadTeacher(strongWeights(architecture), architecture);
        const capture = ['pooled', 'block-00.ffn.hidden', 'block-00.output', 'block-01.ffn.input'] as const;
        tf.tidy(() => {
          const pixels = pixelsOf(architecture, 3);
          const all = () => {
            const { logits, features } = forward(model, pixels, { capture });
            return [logits, ...Object.values(features), forward(model, pixels).logits];
          };
          const [expected, found] = [plainly(all), all()];
          found.forEach((tensor, index) => {
            const error = tf.norm(tf.sub(tensor, expected[index]!)).dataSync()[0]!;
            const size = tf.norm(expected[index]!).dataSync()[0]!;
            assert.ok(error <= 1e-5 * size, `${index}: ${error} of ${size}`);
          });
        });
        model.dispose();
        assert.deepEqual(asItIs(), []);
      });
    }

    it('are one function for each part, whatever the number of blocks and of images', () => {
      const count = (depth: number, images: number): number => {
        const architecture = { ...tiny, width: 16, hidden: 20, depth };
        const model = uploadTeacher(initialWeights(architecture, 1), architecture);
        const before = functionCount();
        tf.tidy(() => void forward(model, pixelsOf(architecture, images)));
        model.dispose();
        return functionCount() - before;
      };
      // Mixing, mixing for the head, what follows mixing, and that for the class token alone.
      const first = count(2, 3);
      assert.ok(first <= 4 && functionCount() >= 3, `${first} functions`);
      assert.deepEqual([count(2, 1), count(2, 7), count(5, 3), count(5, 4)], [0, 0, 0, 0]);
    });

    it('know their weights by name, in whatever order a model has them', () => {
      const host = strongWeights(tiny);
      const model = uploadTeacher(host, tiny);
      const turned = { ...model, weights: Object.fromEntries(Object.entries(model.weights).reverse()) };
      tf.tidy(() => {
        const pixels = pixelsOf(tiny, 2);
        const [a, b] = [model, turned].map((model) => forward(model, pixels).logits.dataSync());
        assert.deepEqual(a, b);
        const c = head(turned, walkBlocks(turned, tf.ones([1, 5, 8])));
        const d = head(model, walkBlocks(model, tf.ones([1, 5, 8])));
        assert.deepEqual(c.dataSync(), d.dataSync());
      });
      model.dispose();
    });
  });
}
