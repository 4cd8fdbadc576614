import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layerShapes, type Architecture } from '../../../pipeline/model/architecture.ts';
import { backboneOf } from '../../../pipeline/model/backbones.ts';
import { modelCosts } from '../../../pipeline/model/costs.ts';
import { canonicalShapes } from '../../../pipeline/model/host-weights.ts';
import { readTensors, writeSafetensors } from '../../../pipeline/model/safetensors.ts';
import { uploadTeacher } from '../../../pipeline/model/upload.ts';
import { foldVit } from '../../../pipeline/slicing/fold.ts';
import { gatedLogits } from '../../../pipeline/slicing/gated-forward.ts';
import { grouped } from '../../../pipeline/slicing/policy/grouped.ts';
import { policyScores } from '../../../pipeline/slicing/policy/policy-scores.ts';
import { defaultSlicing, type SliceSettings } from '../../../pipeline/slicing/schema.ts';
import { sliceSubmodel, type SliceTask } from '../../../pipeline/slicing/slice-submodel.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { strongWeights, tinyArchitecture } from '../../support/checkpoints.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { assertNear, batchesFor, divergence, logitsOf, pixelsFor } from '../models.ts';

const architecture: Architecture = { ...tinyArchitecture, width: 16, heads: 4, hidden: 24, depth: 3 };
const costs = modelCosts(architecture);
const policy = { policies: 4, mostSparsity: 0.75, tolerance: 0.1, images: 6, scoreImages: 12, scoreBatch: 6 };
const settings: SliceSettings = {
  ...defaultSlicing,
  by: 'policy',
  refit: [],
  images: 24,
  gradientImages: 8,
  widthMultiple: 1,
  policy,
};
const weights = strongWeights(architecture);

const taskOf = (more: Partial<SliceTask> = {}): SliceTask => ({
  teacher: { weights, architecture },
  classes: [3, 1, 4],
  other: false,
  fit: batchesFor(architecture, [12, 20]),
  judge: batchesFor(architecture, [5, 3], 77),
  limits: { macs: 0.6 * costs.macs, sizeBytes: costs.sizeBytes },
  settings,
  seed: 1,
  signal: new AbortController().signal,
  onProgress: () => undefined,
  ...more,
});

interface Counts {
  readonly heads: number[];
  readonly units: number[];
}
interface Report {
  readonly by: string;
  readonly policy: Counts;
  readonly kl: number;
  readonly measured: readonly { readonly policy: Counts; readonly kl: number }[];
}

async function shrunk(more: Partial<SliceTask> = {}) {
  const { model, report } = await sliceSubmodel(taskOf(more));
  return { model, report: report as unknown as Report };
}

/** [images, classes] of the teacher with gates instead of a cut. */
async function gatedTeacher({ heads, units }: Counts, images: number): Promise<Float32Array> {
  const folded = foldVit(weights, architecture);
  const own = { ...folded, architecture: { ...folded.architecture } };
  const scores = await policyScores(own, grouped(batchesFor(architecture, [12])(), 6));
  const gate = (scores: Float64Array, kept: number): number[] => {
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    return [...scores.keys()].map((index) => (order.indexOf(index) < kept ? 1 : 0));
  };
  const tensors = uploadTeacher(own.weights, own.architecture);
  const pixels = pixelsFor(architecture, images);
  const logits = tf.tidy(() => {
    const layers = scores.map((found, layer) => ({
      values: tf.tensor(gate(found.heads, heads[layer]!), [1, architecture.heads, 1, 1]),
      units: tf.tensor(gate(found.units, units[layer]!), [1, 1, architecture.hidden]),
    }));
    const x = backboneOf(own.architecture).embed(tensors, pixels);
    return gatedLogits(tensors, x, { layers }).dataSync<'float32'>().slice();
  });
  tensors.dispose();
  pixels.dispose();
  return logits;
}

describeOnEachEngine('slicing/policy/shrink-by-policy', () => {
  it('makes a physically smaller model within the limits, its stream as wide as before', async () => {
    const { model, report } = await shrunk({ other: true });
    const { macs, sizeBytes } = modelCosts(model.architecture);
    assert.ok(macs <= 0.6 * costs.macs && macs >= 0.54 * costs.macs && sizeBytes < costs.sizeBytes);
    assert.equal(model.architecture.width, 16);
    assert.equal(model.architecture.classes, 4);
    const shapes = Object.fromEntries(
      Object.entries(model.weights).map(([name, { shape }]) => [name, shape]),
    );
    assert.deepEqual(shapes, canonicalShapes(model.architecture));
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
    assert.equal(report.by, 'policy');
    assert.equal(report.measured.length, 4);
  });

  it('never loses the last layer, neither its heads nor its units: every layer is as the policy says', async () => {
    const { model, report } = await shrunk();
    const layers = layerShapes(model.architecture);
    assert.equal(layers.length, 3);
    assert.deepEqual(
      layers.map(({ heads }) => heads),
      report.policy.heads,
    );
    assert.deepEqual(
      layers.map(({ hidden }) => hidden),
      report.policy.units,
    );
  });

  it('never loses its gates on the way into a file: what is read again computes what the gated teacher does', async () => {
    const classes = [0, 1, 2, 3, 4];
    const { model, report } = await shrunk({ classes });
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-policy-'));
    try {
      const file = join(folder, 'model.safetensors');
      await writeSafetensors(file, model.weights);
      const { tensors } = await readTensors(file);
      const found = logitsOf(model.architecture, tensors, pixelsFor(architecture, 3));
      assertNear(found, await gatedTeacher(report.policy, 3), 1e-4);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('chooses the policy that is nearest to the teacher on the judging images', async () => {
    const { model, report } = await shrunk({ judge: batchesFor(architecture, [4, 2], 77) });
    const least = Math.min(...report.measured.map(({ kl }) => kl));
    assert.deepEqual(report.measured.find(({ kl }) => kl === least)?.policy, report.policy);
    assert.ok(report.measured.some(({ kl }) => kl > 1.01 * least));
    // Without a refit the chosen one is the result, and here judged on the same images.
    assert.ok(Math.abs(report.kl - least) < 1e-6);
    const images = pixelsFor(architecture, 6, 77);
    const whole = logitsOf(architecture, weights, images);
    const own = Array.from({ length: 6 }, (_, image) => [3, 1, 4].map((at) => whole[image * 5 + at]!)).flat();
    const cut = logitsOf(model.architecture, model.weights, pixelsFor(architecture, 6, 77));
    assert.ok(Math.abs(divergence(own, cut, 3) - least) < 1e-4 * least + 1e-6);
  });

  it('never depends on how images are loaded', async () => {
    const { report } = await shrunk();
    const other = await shrunk({ fit: batchesFor(architecture, [5, 7, 20]) });
    assert.deepEqual(other.report.policy, report.policy);
  });

  it('comes nearer to the teacher with a refit, of heads that are fewer, too', async () => {
    const plain = await shrunk({ other: true });
    const { refit } = defaultSlicing;
    const { model, report } = await shrunk({ other: true, settings: { ...settings, refit } });
    assert.deepEqual(report.policy, plain.report.policy);
    assert.ok(report.policy.heads.some((heads) => heads < 4));
    assert.deepEqual(model.architecture, plain.model.architecture);
    assert.ok(report.kl < 0.95 * plain.report.kl, `${report.kl} against ${plain.report.kl}`);
  });

  it('takes what was sliced before as a teacher, and the teacher as it is where it fits', async () => {
    const teacher = foldVit(weights, architecture);
    const limits = { macs: 2 * costs.macs, sizeBytes: 2 * costs.sizeBytes };
    const { model, report } = await shrunk({ teacher, limits });
    assert.ok(report.kl < 1e-4 && report.measured.length === 1);
    assert.equal(modelCosts({ ...model.architecture, classes: 5 }).macs, costs.macs);
  });

  it('shrinks a distilled DeiT, within the limits that its policies were drawn for', async () => {
    const distilled: Architecture = { ...architecture, depth: 2, family: 'deit' };
    const { macs, sizeBytes } = modelCosts(distilled);
    const limits = { macs: 0.7 * macs, sizeBytes };
    const teacher = { weights: strongWeights(distilled), architecture: distilled };
    const { model } = await shrunk({
      teacher,
      limits,
      settings: { ...settings, refit: defaultSlicing.refit },
    });
    assert.equal(model.architecture.distilled, true);
    const left = modelCosts(model.architecture).macs;
    assert.ok(left <= limits.macs && left >= 0.9 * limits.macs);
    assert.ok(logitsOf(model.architecture, model.weights).every(Number.isFinite));
  });

  it('tells policies apart for one class and all others, too', async () => {
    const { model, report } = await shrunk({ classes: [2], other: true });
    assert.equal(model.architecture.classes, 2);
    assert.ok(new Set(report.measured.map(({ kl }) => kl)).size > 1);
  });

  it('leaves nothing behind wherever it is stopped', async () => {
    for (const call of [0, 1, 3, 5]) {
      const stop = new AbortController();
      let calls = 0;
      const onProgress = (): void => {
        if (calls++ === call) stop.abort(new Error('stopped'));
      };
      const more = {
        settings: { ...settings, refit: defaultSlicing.refit },
        signal: stop.signal,
        onProgress,
      };
      await assert.rejects(shrunk(more), /stopped/, `at call ${call}`);
    }
  });

  it('refuses limits that nothing fits into before it looks at any image, and a divergence that is no number', async () => {
    const fit = (): AsyncGenerator<tf.Tensor4D> => assert.fail('an image is asked for');
    const limits = { macs: 0.1 * costs.macs, sizeBytes: costs.sizeBytes };
    await assert.rejects(shrunk({ fit, limits }), /no policy reaches/);
    const judge = async function* (): AsyncGenerator<tf.Tensor4D> {
      await Promise.resolve();
      yield tf.fill<tf.Rank.R4>([2, 8, 8, 3], NaN);
    };
    await assert.rejects(shrunk({ judge }), (error: unknown) => {
      assert.ok(error instanceof BlockForgeError);
      assert.equal(error.failure.reason, 'not-finite');
      return true;
    });
  });
});
