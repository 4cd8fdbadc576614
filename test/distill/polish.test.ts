import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import {
  lossAndGradients,
  polishComposition,
  type PolishResult,
  type PolishTask,
} from '../../pipeline/distill/polish.ts';
import { sliceFfn, type FfnWeights, ffnParts } from '../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { disposeFfn, uploadFfn } from '../../pipeline/model/ffn-tensors.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture as tiny } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { memoryCheckpoint } from '../support/memory-checkpoint.ts';
import { abortAfter } from './rig.ts';
import { present } from '../support/present.ts';
import { extentOf } from '../../pipeline/model/architecture.ts';

const host = strongWeights(tiny);
const halves = [8, 5].map((hidden, block) =>
  sliceFfn(
    hostFfn(host, block),
    Array.from({ length: hidden }, (_, i) => i),
  ),
);

/** 8 of 64 images, drawn by step. */
function pixelsAt(step: number): tf.Tensor4D {
  const { channels } = tiny;
  const { height, width } = extentOf(tiny.imageSize);
  const size = height * width * channels;
  const draw = random(2, 'batch', step);
  const values = new Float32Array(8 * size);
  for (let image = 0; image < 8; image++) {
    const stream = random(2, 'image', draw.integer(64));
    for (let i = 0; i < size; i++) values[image * size + i] = stream.normal();
  }
  return tf.tensor4d(values, [8, height, width, channels]);
}

async function* batches(firstStep: number): AsyncGenerator<tf.Tensor4D> {
  for (let step = firstStep; ; step++) yield await Promise.resolve(pixelsAt(step));
}

const settings = { steps: 24, learningRate: 2e-2, warmupShare: 0.1, weightDecay: 0.01, hiddenWeight: 1 };

async function polish(changes: Partial<PolishTask> = {}): Promise<PolishResult> {
  const model = uploadTeacher(host, tiny);
  try {
    return await polishComposition({
      model,
      ffns: halves,
      batches,
      settings,
      signal: new AbortController().signal,
      checkpoint: memoryCheckpoint(),
      ...changes,
    });
  } finally {
    model.dispose();
  }
}

/** KL(teacher || student) + 1 - cos on the host in float64 from what `forward` gives, on images of another stream. */
function unseenLoss(ffns: readonly FfnWeights[]): number {
  const model = uploadTeacher(host, tiny);
  const uploaded = ffns.map(uploadFfn);
  const pixels = pixelsAt(1000);
  const capture = ['pooled'] as const;
  const teacher = forward(model, pixels, { capture });
  const student = forward(model, pixels, { capture, ffn: (index) => uploaded[index]! });
  const read = (x: tf.Tensor) => x.arraySync() as number[][];
  const p = read(teacher.logits).map(softmax);
  const q = read(student.logits).map(softmax);
  const u = read(teacher.features.pooled);
  const v = read(student.features.pooled);
  tf.dispose([pixels, teacher, student]);
  uploaded.forEach(disposeFfn);
  model.dispose();
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const losses = p.map((row, i) => {
    const divergence = row.reduce((sum, x, c) => sum + x * Math.log(x / q[i]![c]!), 0);
    return divergence + 1 - dot(u[i]!, v[i]!) / Math.sqrt(dot(u[i]!, u[i]!) * dot(v[i]!, v[i]!));
  });
  return losses.reduce((a, b) => a + b) / losses.length;
}

function softmax(row: number[]): number[] {
  const exps = row.map((x) => Math.exp(x - Math.max(...row)));
  return exps.map((x) => x / exps.reduce((a, b) => a + b));
}

describeOnEachEngine('polishComposition', () => {
  it('has the loss of the definition and a gradient that central differences confirm', () => {
    const model = uploadTeacher(host, tiny);
    const pixels = pixelsAt(1000);
    const names = ['blocks.0.mlp.fc1.weight', 'blocks.1.mlp.fc2.bias'] as const;
    const changed = (name?: string, at = 0, by = 0): FfnWeights[] =>
      halves.map((ffn, block) => {
        if (name?.startsWith(`blocks.${block}.`) !== true) return ffn;
        const key = name === names[0] ? 'fc1Kernel' : 'fc2Bias';
        return { ...ffn, [key]: ffn[key].map((x, i) => (i === at ? x + by : x)) };
      });
    const uploaded = halves.map(uploadFfn);
    const parameters = Object.fromEntries(
      uploaded.flatMap((ffn, block) => [
        [`blocks.${block}.mlp.fc1.weight`, ffn.fc1Kernel],
        [`blocks.${block}.mlp.fc1.bias`, ffn.fc1Bias],
        [`blocks.${block}.mlp.fc2.weight`, ffn.fc2Kernel],
        [`blocks.${block}.mlp.fc2.bias`, ffn.fc2Bias],
      ]),
    );
    const { value, gradients } = lossAndGradients(model, parameters, pixels, 1);
    const expected = unseenLoss(halves);
    assert.ok(Math.abs(value.dataSync()[0]! / expected - 1) < 1e-4, `${value.dataSync()[0]}, ${expected}`);
    for (const name of names) {
      const found = gradients[name]!.dataSync();
      for (const at of [0, 5]) {
        const step = 1e-2;
        const slope =
          (unseenLoss(changed(name, at, step)) - unseenLoss(changed(name, at, -step))) / (2 * step);
        assert.ok(Math.abs(found[at]! - slope) < 2e-3 + 0.02 * Math.abs(slope), `${found[at]}, ${slope}`);
      }
    }
    tf.dispose([value, gradients, pixels]);
    uploaded.forEach(disposeFfn);
    model.dispose();
  });

  it('brings the composition nearer to the teacher, on unseen images too, and leaves the rest alone', async () => {
    const model = uploadTeacher(host, tiny);
    const before = Object.values(model.weights).map((tensor) => tensor.dataSync().slice());
    const reports: number[] = [];
    const { ffns, losses } = await polish({
      model,
      onProgress: ({ metrics, fraction }) => reports.push(present(metrics.loss), fraction),
    });
    assert.deepEqual(
      Object.values(model.weights).map((tensor) => tensor.dataSync()),
      before,
    );
    model.dispose();
    assert.equal(losses.length, 24);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    assert.ok(mean(losses.slice(-5)) < 0.5 * mean(losses.slice(0, 5)), losses.join());
    assert.ok(unseenLoss(ffns) < 0.6 * unseenLoss(halves), `${unseenLoss(halves)} -> ${unseenLoss(ffns)}`);
    assert.deepEqual(
      ffns.map(({ width, hidden }) => [width, hidden]),
      halves.map(({ width, hidden }) => [width, hidden]),
    );
    assert.equal(reports.at(-1), 1);
    ffns.forEach((ffn, block) => {
      for (const name of ffnParts(false)) {
        assert.notDeepEqual(ffn[name], halves[block]![name], `block ${block}, ${name} was not trained`);
      }
    });
  });

  it('interrupted and resumed, it ends bit for bit where it would have ended', async () => {
    const six = { ...settings, steps: 6, hiddenWeight: 0.5 };
    const whole = await polish({ settings: six });
    const checkpoint = memoryCheckpoint();
    await assert.rejects(polish({ settings: six, checkpoint, signal: abortAfter(3) }), /Ctrl-C/);
    assert.deepEqual(await polish({ settings: six, checkpoint }), whole);
  });

  it('stops on a loss that is no number, and where the batches end early', async () => {
    const three = { ...settings, steps: 3 };
    const broken = halves.map((ffn) => ({ ...ffn, fc2Bias: new Float32Array(tiny.width).fill(NaN) }));
    await assert.rejects(polish({ ffns: broken, settings: three }), (error: BlockForgeError) => {
      assert.equal(error.failure.reason, 'not-finite');
      assert.match(error.failure.found, /the loss is NaN at step 1$/);
      return true;
    });
    const two = async function* () {
      yield await Promise.resolve(pixelsAt(0));
      yield pixelsAt(1);
    };
    await assert.rejects(polish({ batches: two, settings: three }), /the batches end after step 2 of 3/);
    await assert.rejects(polish({ ffns: halves.slice(1) }), /1 FFN blocks for 2 layers/);
  });
});
