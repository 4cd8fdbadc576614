import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { composedExamples, type ComposedExampleOptions } from '../../pipeline/distill/composed-examples.ts';
import { distillBlock } from '../../pipeline/distill/loop.ts';
import type { DistillResult, DistillTask } from '../../pipeline/distill/task.ts';
import type { Pairs, StudentPairs } from '../../pipeline/compress/pairs.ts';
import { disposeFfn, uploadFfn } from '../../pipeline/model/ffn-tensors.ts';
import { sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { memoryCheckpoint } from '../support/memory-checkpoint.ts';
import { abortAfter, timeless } from './rig.ts';
import { outputOf, sampleBlock } from '../compress/sample-block.ts';
import { present } from '../support/present.ts';

const [D, T, images] = [6, 5, 40];

/** Every input says where it is from: source, student, image and token; targets are the negative. */
function marked(source: number, student: number, count = images): Pairs {
  const inputs = new Float32Array(count * T * D);
  for (let row = 0; row < count * T; row++) {
    inputs.set([source, student, Math.floor(row / T), row % T], row * D);
  }
  return { inputs, targets: inputs.map((x) => -x), tokensPerImage: T, width: D };
}
const markedPairs: StudentPairs = { teacher: marked(0, 9), own: [marked(1, 0), marked(1, 1)] };

function examplesOf(changes: Partial<ComposedExampleOptions> = {}) {
  return composedExamples({
    train: markedPairs,
    heldOut: markedPairs,
    prefixTokens: 1,
    prefixProbability: 0.3,
    gelu: 'tanh',
    batchTokens: 50,
    block: 'block-02',
    seed: 4,
    ...changes,
  });
}

interface Drawn {
  readonly own: boolean;
  readonly student: number;
  readonly image: number;
  readonly token: number;
}

/** Of each step, of each student: what was drawn. Checks that targets belong to inputs. */
async function draw(
  steps: number,
  firstStep = 0,
  changes: Partial<ComposedExampleOptions> = {},
): Promise<Drawn[][][]> {
  const batches = examplesOf(changes).batches(firstStep);
  const taken: Drawn[][][] = [];
  for (let i = 0; i < steps; i++) {
    const { value: batch } = await batches.next();
    taken.push(
      batch.map(({ x, target }) => {
        const values = x.dataSync();
        assert.deepEqual(
          target.dataSync(),
          values.map((value) => -value),
        );
        return Array.from({ length: x.shape[0] }, (_, row) => {
          const [source, student, image, token] = values.subarray(row * D);
          return {
            own: source === 1,
            student: present(student),
            image: present(image),
            token: present(token),
          };
        });
      }),
    );
    tf.dispose(batch.flatMap(({ x, target }) => [x, target]));
  }
  await batches.return(undefined as never);
  return taken;
}

describeOnEachEngine('composedExamples', () => {
  it('gives batches that are a pure function of seed, block and step', async () => {
    const whole = await draw(6);
    assert.deepEqual(await draw(3, 3), whole.slice(3));
    assert.notDeepEqual(whole[0], whole[1]);
    assert.notDeepEqual(await draw(1, 0, { seed: 5 }), whole.slice(0, 1));
    assert.notDeepEqual(await draw(1, 0, { block: 'block-03' }), whole.slice(0, 1));
  });

  it('gives every student its own pairs at the same rows, and the teacher’s, in the shares asked for', async () => {
    for (const [ownShare, expected] of [
      [undefined, 25],
      [0.2, 10],
      [0, 0],
      [1, 50],
    ] as const) {
      for (const students of await draw(3, 0, ownShare === undefined ? {} : { ownShare })) {
        const places = students.map((drawn) => drawn.map(({ own, image, token }) => ({ own, image, token })));
        assert.deepEqual(places[0], places[1]);
        students.forEach((drawn, student) => {
          assert.equal(drawn.filter(({ own }) => own).length, expected);
          assert.ok(drawn.every((token) => token.student === (token.own ? student : 9)));
        });
      }
    }
  });

  it('draws class tokens with the probability asked for, and everything else uniformly', async () => {
    const steps = 200;
    for (const prefixProbability of [0, 0.013, 0.3, 1]) {
      const drawn = (
        await draw(steps, 0, {
          prefixProbability,
          train: { ...markedPairs, own: [marked(1, 0)] },
          heldOut: { ...markedPairs, own: [marked(1, 0)] },
        })
      ).flat(2);
      // Per half batch of 25 only the rounding is random: its deviation is at most 1/2.
      const share = drawn.filter(({ token }) => token === 0).length / drawn.length;
      assert.ok(Math.abs(share - prefixProbability) < (4 * 0.5) / (25 * Math.sqrt(2 * steps)), String(share));
      const counts = (of: (token: Drawn) => number, size: number): number[] =>
        drawn.reduce((sums, token) => (sums[of(token)]!++, sums), new Array<number>(size).fill(0));
      const even = (found: readonly number[]) => {
        const mean = found.reduce((a, b) => a + b, 0) / found.length;
        found.forEach((n) =>
          assert.ok(Math.abs(n - mean) <= 5 * Math.sqrt(mean), `${n} of a mean of ${mean}`),
        );
      };
      even(counts(({ image }) => image, images));
      even(counts(({ token }) => token, T).slice(1));
    }
  });

  it('draws several prefix tokens alike, and patches alone where there is no prefix', async () => {
    const pairs = { ...markedPairs, own: [marked(1, 0)] };
    const of = async (prefixTokens: number, prefixProbability: number): Promise<number[]> => {
      const changes = { prefixTokens, prefixProbability, train: pairs, heldOut: pairs };
      const counts = new Array<number>(T).fill(0);
      for (const { token } of (await draw(200, 0, changes)).flat(2)) counts[token]!++;
      return counts;
    };
    const near = (found: readonly number[], expected: readonly number[]) =>
      found.forEach((n, i) =>
        assert.ok(Math.abs(n - expected[i]!) <= 5 * Math.sqrt(expected[i]!), found.join()),
      );
    near(await of(2, 0.4), [2000, 2000, 2000, 2000, 2000]);
    near(await of(2, 0.7), [3500, 3500, 1000, 1000, 1000]);
    near(await of(0, 0), [2000, 2000, 2000, 2000, 2000]);
    assert.throws(() => examplesOf({ prefixTokens: 0 }), /there are patch tokens only/);
  });

  it('measures the weighted error as a float64 computation does', () => {
    const pairs = (student: number, count: number): Pairs => {
      const stream = random(8, 'pairs', student, count);
      const normals = () => Float32Array.from({ length: count * T * D }, () => stream.normal());
      return { inputs: normals(), targets: normals(), tokensPerImage: T, width: D };
    };
    const heldOut = { teacher: pairs(9, 7), own: [pairs(0, 11), pairs(1, 11)] };
    const [ownShare, prefixProbability] = [0.3, 0.6];
    const examples = examplesOf({ heldOut, ownShare, prefixProbability, batchTokens: 8 });
    const { weights } = sampleBlock({ width: D, seed: 2 });
    const parameters = uploadFfn(weights);
    for (const student of [0, 1]) {
      const parts = [
        [heldOut.teacher, 1 - ownShare, 7],
        [heldOut.own[student]!, ownShare, 11],
      ] as const;
      const rows = parts.flatMap(([{ inputs, targets }, share, count]) => {
        const outputs = outputOf(weights, inputs);
        return Array.from({ length: count * T }, (_, row) => ({
          w: (share / count) * (row % T === 0 ? prefixProbability : (1 - prefixProbability) / (T - 1)),
          y: outputs.subarray(row * D, (row + 1) * D),
          t: targets.subarray(row * D, (row + 1) * D),
        }));
      });
      assert.ok(Math.abs(rows.reduce((sum, { w }) => sum + w, 0) - 1) < 1e-12);
      const mean = Array.from({ length: D }, (_, d) => rows.reduce((sum, { w, t }) => sum + w * t[d]!, 0));
      const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        mean.reduce((sum, _, d) => sum + (a[d]! - b[d]!) ** 2, 0);
      const energy = rows.reduce((sum, { w, t }) => sum + w * distance(t, mean), 0);
      const error = rows.reduce((sum, { w, y, t }) => sum + w * distance(y, t), 0) / energy;
      assert.ok(Math.abs(examples.energyPerToken[student]! / energy - 1) < 1e-9);
      assert.ok(Math.abs(examples.errorOf(student, parameters) / error - 1) < 1e-5);
    }
    disposeFfn(parameters);
    examples.dispose();
  });

  it('refuses what does not fit together', () => {
    const constant = { ...marked(0, 0), targets: new Float32Array(images * T * D) };
    const wrong: [Partial<ComposedExampleOptions>, RegExp][] = [
      [{ prefixProbability: 1.2 }, /prefixProbability is 1.2, expected 0 to 1/],
      [{ ownShare: NaN }, /ownShare is NaN/],
      [{ batchTokens: 0 }, /batches of 0 tokens/],
      [{ heldOut: { ...markedPairs, own: [] } }, /2 students, but held-out pairs of 0/],
      [{ train: { ...markedPairs, own: [marked(1, 0), marked(1, 1, 7)] } }, /different numbers of images/],
      [
        { train: { ...markedPairs, teacher: { ...marked(0, 9), tokensPerImage: 7 } } },
        /no images of 7 tokens/,
      ],
      [
        { train: { ...markedPairs, teacher: { ...marked(0, 9), tokensPerImage: 2 } } },
        /one number of tokens/,
      ],
      [{ heldOut: { teacher: constant, own: [constant, constant] } }, /held-out targets have energy 0/],
    ];
    for (const [changes, message] of wrong) assert.throws(() => examplesOf(changes), message);
  });

  it('takes class tokens alone', async () => {
    const alone = { ...marked(0, 9), tokensPerImage: 1 };
    const pairs = { teacher: alone, own: [alone] };
    const drawn = (await draw(1, 0, { train: pairs, heldOut: pairs, prefixProbability: 1 }))[0]!;
    assert.equal(drawn[0]!.length, 50);
    assert.throws(() => examplesOf({ train: pairs, heldOut: pairs }), /there are prefix tokens only/);
  });
});

/**
 * A compressed prefix that shrinks and shifts the inputs; the target is the block's answer to the true input plus what
 * the prefix lost, so neither the teacher's map nor the start solves it.
 */
function synthetic(count: number, seed: number): StudentPairs {
  const { weights } = sampleBlock({ width: D, hidden: 20, seed: 1 });
  const stream = random(seed, 'synthetic');
  const inputs = Float32Array.from({ length: count * T * D }, () => stream.normal());
  const outputs = outputOf(weights, inputs);
  const pairs = (loss: number): Pairs => {
    const damaged = inputs.map((x, i) => (1 - loss) * x + loss * inputs[i - (i % D) + ((i + 1) % D)]!);
    const targets = Float32Array.from(outputs, (y, i) => y + 0.3 * (inputs[i]! - damaged[i]!));
    return { inputs: damaged, targets, tokensPerImage: T, width: D };
  };
  return { teacher: pairs(0), own: [pairs(0.2), pairs(0.4)] };
}

describeOnEachEngine('distillation on composed pairs', () => {
  const { weights } = sampleBlock({ width: D, hidden: 20, seed: 1 });
  const students = [16, 12].map((hidden) => ({
    id: `w00${hidden}`,
    weights: sliceFfn(
      weights,
      Array.from({ length: hidden }, (_, i) => i),
    ),
  }));

  async function distill(changes: Partial<DistillTask> = {}): Promise<DistillResult> {
    const examples = examplesOf({ train: synthetic(60, 1), heldOut: synthetic(20, 2), batchTokens: 64 });
    const task: DistillTask = {
      block: 'block-02',
      students,
      examples,
      settings: {
        optimizer: 'adamw',
        learningRate: 1e-2,
        schedule: 'cosine',
        warmupShare: 0.05,
        weightDecay: 0,
        loss: 'normalised-mse',
        steps: 24,
      },
      signal: new AbortController().signal,
      checkpoint: memoryCheckpoint(),
      ...changes,
    };
    return distillBlock(task).finally(() => examples.dispose());
  }

  it('beats its start on unseen images, resumes bit for bit, and trains each student as if alone', async () => {
    const whole = await distill();
    for (const { id, kept, errorBefore, errorAfter } of whole.students) {
      assert.equal(kept, 'trained');
      assert.ok(errorAfter < 0.6 * errorBefore, `${id}: ${errorBefore} -> ${errorAfter}`);
    }
    const checkpoint = memoryCheckpoint();
    await assert.rejects(distill({ checkpoint, signal: abortAfter(10) }), /Ctrl-C/);
    assert.equal(present(checkpoint.saved.at(-1)).meta.step, 10);
    assert.deepEqual(timeless(await distill({ checkpoint })), timeless(whole));

    const { teacher, own } = synthetic(60, 1);
    const heldOut = synthetic(20, 2);
    const examples = examplesOf({
      train: { teacher, own: [own[1]!] },
      heldOut: { teacher: heldOut.teacher, own: [heldOut.own[1]!] },
      batchTokens: 64,
    });
    const alone = await distill({ students: [students[1]!], examples });
    assert.deepEqual(alone.students[0], whole.students[1]);
  });

  it('refuses examples for another number of students', async () => {
    await assert.rejects(distill({ students: [students[0]!] }), /1 students with examples for 2/);
  });
});
