import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { BlockEvidence } from '../../pipeline/compress/order/criterion.ts';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import {
  collectEvidence,
  createEvidence,
  measureClassShare,
  mergeEvidence,
  type ImageBatch,
} from '../../pipeline/recipe/evidence.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const { depth, hidden, width } = tinyArchitecture;
const calibration = { seed: 3, heldOut: 0.1, tokensPerImage: 3 };
const weights = Array.from({ length: depth }, () => ({ prefixTokens: 1, prefix: 1.5, patch: 0.75 }));
const needs = ['activeRate', 'saliency'] as const;

/** Two images a batch. */
// eslint-disable-next-line @typescript-eslint/require-await -- the images of a run come from files
async function* images(...batches: number[]): AsyncGenerator<ImageBatch> {
  for (const batch of batches) {
    const stream = random(7, 'pixels', batch);
    const values = Float32Array.from({ length: 2 * 8 * 8 * 3 }, () => stream.normal());
    yield { pixels: tf.tensor4d(values, [2, 8, 8, 3]), ids: [`${batch}-a`, `${batch}-b`] };
  }
}

function sink() {
  const rows: Float32Array[][] = Array.from({ length: depth }, () => []);
  return {
    rows,
    append: (block: number, values: Float32Array) => {
      rows[block]!.push(values);
      return Promise.resolve();
    },
  };
}

const near = (found: BlockEvidence, expected: BlockEvidence, tolerance = 1e-5): void => {
  for (const [a, b] of [
    [found.statistics.mean, expected.statistics.mean],
    [found.statistics.covariance, expected.statistics.covariance],
    [present(found.activeRate), present(expected.activeRate)],
    [present(found.saliency), present(expected.saliency)],
  ] as const) {
    assert.equal(a.length, b.length);
    a.forEach((value, i) => assert.ok(Math.abs(value - b[i]!) <= tolerance * (1 + Math.abs(b[i]!))));
  }
};

describeOnEachEngine('the calibration pass', () => {
  let model: TeacherTensors;
  /** A test with the teacher on the engine, and without it afterwards. */
  const check = (title: string, body: () => Promise<void>) =>
    it(title, async () => {
      model = uploadTeacher(strongWeights(tinyArchitecture), tinyArchitecture);
      await body().finally(() => model.dispose());
    });

  async function collect(...batches: number[]) {
    const evidence = createEvidence({ model, calibration, weights, needs });
    const heldOut = sink();
    const seen: string[] = [];
    await collectEvidence(evidence, {
      training: images(...batches),
      heldOut: images(9),
      heldOutInputs: heldOut,
      onBatch: (count, of) => Promise.resolve(void seen.push(`${count} ${of}`)),
    });
    const found = evidence.finish();
    evidence.dispose();
    return { found, heldOut, seen };
  }

  check('hands on the inputs of held-out images, and sums up those of training images only', async () => {
    const { found, heldOut, seen } = await collect(0, 1);
    assert.deepEqual(seen, ['2 training', '2 training', '2 heldOut']);
    assert.equal(found.length, depth);
    for (const block of found.keys()) {
      assert.equal(heldOut.rows[block]![0]!.length, 6 * width);
      // Four images of three tokens, whose weights average 1.
      assert.ok(Math.abs(found[block]!.statistics.count - 12) < 1e-6);
      assert.ok(present(found[block]!.saliency).some((value) => value > 0));
      assert.ok(present(found[block]!.activeRate).every((share) => share >= 0 && share <= 1));
    }
  });

  check('collects nothing that no criterion asks for', async () => {
    const evidence = createEvidence({ model, calibration, weights, needs: [] });
    for await (const batch of images(0)) await evidence.add(batch);
    const first = evidence.finish()[0]!;
    evidence.dispose();
    assert.equal(first.saliency, undefined);
    assert.equal(first.activeRate, undefined);
    assert.equal(first.statistics.mean.length, hidden);
  });

  check('interrupted and resumed, it ends where it would have ended', async () => {
    const whole = (await collect(0, 1, 2)).found;
    const before = createEvidence({ model, calibration, weights, needs });
    for await (const batch of images(0)) await before.add(batch);
    const state = before.state();
    before.dispose();
    const after = createEvidence({ model, calibration, weights, needs });
    after.restore(state);
    for await (const batch of images(1, 2)) await after.add(batch);
    const resumed = after.finish();
    after.dispose();
    for (const block of whole.keys()) near(resumed[block]!, whole[block]!, 1e-6);
    assert.deepEqual(
      resumed.map(({ saliency }) => saliency),
      whole.map(({ saliency }) => saliency),
    );
  });

  check('of two shards merges into that of all images', async () => {
    const whole = (await collect(0, 1, 2)).found;
    const [first, second] = [(await collect(0)).found, (await collect(1, 2)).found];
    for (const block of whole.keys()) {
      const merged = mergeEvidence(first[block]!, second[block]!);
      // A shard has the threshold of its own first batch.
      near({ ...merged, activeRate: whole[block]!.activeRate }, whole[block]!);
      present(merged.activeRate).forEach((share, j) =>
        assert.ok(Math.abs(share - present(whole[block]!.activeRate)[j]!) < 0.2),
      );
    }
  });

  check('measures class shares in [0, 1], the whole of it in the last block', async () => {
    let seen = 0;
    const shares = present(
      await measureClassShare(model, calibration, images(0, 1), (count) =>
        Promise.resolve(void (seen += count)),
      ),
    );
    assert.equal(seen, 4);
    assert.equal(shares.length, depth);
    assert.ok(shares.every((share) => share > 0 && share <= 1));
    // The head reads nothing else.
    assert.equal(shares.at(-1), 1);
  });
});
