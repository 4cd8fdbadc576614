import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { outputErrors } from '../../pipeline/compress/errors.ts';
import { refit } from '../../pipeline/compress/refit.ts';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { composedInputs, teacherInputs } from '../../pipeline/recipe/block-inputs.ts';
import { sampledRows } from '../../pipeline/recipe/calibration.ts';
import { memoryChainStore, openChain, type Chain, type ChainOptions } from '../../pipeline/recipe/chain.ts';
import { random } from '../../pipeline/util/random.ts';
import { sampleBlock } from '../compress/sample-block.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const affine = { ridge: 1e-4, method: 'affine' } as const;

describeOnEachEngine('teacher inputs', () => {
  const { weights, statistics, tokens } = sampleBlock({ width: 4, hidden: 16, count: 90 });
  const units = Int32Array.from({ length: 16 }, (_, unit) => 15 - unit);
  const asked: string[] = [];
  const inputs = teacherInputs({
    block: 3,
    teacher: weights,
    gelu: 'tanh',
    sampled: 3,
    weights: () => Promise.resolve({ prefixTokens: 1, prefix: 1, patch: 1 }),
    evidence: () => {
      asked.push('evidence');
      return Promise.resolve({ statistics });
    },
    heldOut: () => {
      asked.push('held-out');
      return Promise.resolve(Float32Array.from(tokens));
    },
    openTokens: () => {
      asked.push('tokens');
      return Promise.resolve({
        count: 90,
        width: 4,
        read: (start, count) => Promise.resolve(tokens.slice(4 * start, 4 * (start + count))),
        close: () => Promise.resolve(void asked.push('closed')),
      });
    },
  });

  it('fit and judge as refit and its errors do, and read only what they are asked for', async () => {
    asked.length = 0;
    const { descendants, tokens: count } = await inputs.fit(units, [9, 5], affine);
    assert.deepEqual(descendants, refit(weights, statistics, units, [9, 5], affine));
    assert.equal(count, 90);
    assert.deepEqual(asked, ['evidence']);
    const students = descendants.map((descendant) => descendant.weights);
    const options = { tokensPerImage: 3, weights: { prefixTokens: 1, prefix: 1, patch: 1 } };
    assert.deepEqual(await inputs.errors(students), outputErrors(weights, students, tokens, 'tanh', options));
    assert.deepEqual(asked, ['evidence', 'held-out']);
  });

  it('fit every width by a ridge of its own where a rule finds it', async () => {
    const rule = await inputs.fit(units, [9, 5], { ridge: 'oracle-shrinkage', method: 'affine' });
    const [wide, narrow] = rule.descendants;
    assert.notEqual(present(wide).ridge, present(narrow).ridge);
  });

  it('give examples of every token, and close what they have opened', async () => {
    asked.length = 0;
    const examples = await inputs.examples(2, { batchTokens: 30, seed: 1 });
    assert.deepEqual([examples.students, examples.tokens, examples.width], [2, 90, 4]);
    await inputs.close();
    assert.equal(asked.at(-1), 'closed');
  });
});

describeOnEachEngine('composed inputs', () => {
  const { depth, hidden } = tinyArchitecture;
  const host = strongWeights(tinyArchitecture);
  const weights = { prefixTokens: 1, prefix: 1.5, patch: 0.75 };
  const units = Int32Array.from({ length: hidden }, (_, unit) => unit);
  const widths = [8, 4];
  const calibration = { seed: 3, tokensPerImage: 3 };
  const items = Array.from({ length: 60 }, (_, image) => ({ id: `image-${image}` }));

  /** 30 training and 30 held-out images: batches of 25 and 5. */
  const options = (model: TeacherTensors): ChainOptions<{ readonly id: string }> => ({
    model,
    store: memoryChainStore(),
    levels: widths.length,
    images: { training: items.slice(0, 30), heldOut: items.slice(30) },
    // eslint-disable-next-line @typescript-eslint/require-await -- the images of a run come from files
    batchesOf: async function* (some, size) {
      for (let first = 0; first < some.length; first += size) {
        const ids = some.slice(first, first + size).map(({ id }) => id);
        const values = ids.map((id) => {
          const stream = random(7, 'pixels', id);
          return Array.from({ length: 8 * 8 * 3 }, () => stream.normal());
        });
        yield { ids, pixels: tf.tensor4d(values.flat(), [ids.length, 8, 8, 3]) };
      }
    },
    rowsOf: (ids) => sampledRows(calibration, tinyArchitecture, ids),
    block: 0,
  });
  const inputsOf = (chain: Chain, block: number) =>
    composedInputs({
      block,
      teacher: hostFfn(host, block),
      gelu: tinyArchitecture.gelu,
      sampled: 3,
      chain,
      weights,
      composedShare: 0.5,
    });
  const fitAt = async (chain: Chain, block: number) => {
    const { descendants } = await inputsOf(chain, block).fit(units, widths, affine);
    return descendants.map((descendant) => descendant.weights);
  };

  it('are the same whether the chain was followed or made again from what it has left', async () => {
    const model = uploadTeacher(host, tinyArchitecture);
    try {
      const chain = await openChain(options(model));
      const first = await fitAt(chain, 0);
      await inputsOf(chain, 0).advance(first);
      const followed = await fitAt(chain, 1);
      const notes: string[] = [];
      const again = await openChain({
        ...options(model),
        block: 1,
        earlier: {
          keys: ['', 'first'],
          keyAfter: () => Promise.resolve('second'),
          descendantsOf: (block) => Promise.resolve(block === 0 ? first : []),
        },
        onNote: (note) => notes.push(note),
      });
      assert.deepEqual(await fitAt(again, 1), followed);
      assert.equal(notes.at(-1), 'streams up to block-01');
      assert.equal(notes.filter((note) => note.startsWith('streams of image')).length, 4);
    } finally {
      model.dispose();
    }
  });

  it('hold images out of fit and training, judge by them, and train on all of the others', async () => {
    const model = uploadTeacher(host, tinyArchitecture);
    try {
      const chain = await openChain(options(model));
      assert.deepEqual([0, 1, 2, 3].map(chain.isHeldOut), [false, false, true, true]);
      const inputs = inputsOf(chain, depth - 1);
      const { descendants, tokens } = await inputs.fit(units, widths, affine);
      // 30 images of 3 tokens; (sum w)^2 / (n sum w^2) of weights 1.5, 0.75, 0.75.
      assert.equal(tokens, Math.round((90 * 9) / (3 * (1.5 ** 2 + 2 * 0.75 ** 2))));
      const errors = await inputs.errors(descendants.map((descendant) => descendant.weights));
      assert.deepEqual(
        errors.map((error) => error.tokens),
        [90, 90],
      );
      const examples = await inputs.examples(2, { batchTokens: 30, seed: 1 });
      assert.deepEqual([examples.students, examples.tokens], [2, 90]);
      await assert.rejects(inputs.fit(units, [8], affine), /1 widths at 2 levels/);
      await assert.rejects(inputs.examples(3, { batchTokens: 30, seed: 1 }), /3 students at 2 levels/);
      await inputs.close();
    } finally {
      model.dispose();
    }
  });
});
