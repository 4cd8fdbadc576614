import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { distillBlock } from '../../pipeline/distill/loop.ts';
import type { DistillResult, DistillTask } from '../../pipeline/distill/task.ts';
import { teacherExamples, type TeacherExampleOptions } from '../../pipeline/distill/teacher-examples.ts';
import type { TokenReader } from '../../pipeline/distill/token-batches.ts';
import { sliceFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { memoryCheckpoint } from '../support/memory-checkpoint.ts';
import { abortAfter, timeless } from './rig.ts';
import { present } from '../support/present.ts';

const [D, H] = [8, 24];

function normals(size: number, deviation: number, ...labels: (string | number)[]): Float32Array {
  const stream = random(5, ...labels);
  return Float32Array.from({ length: size }, () => deviation * stream.normal());
}
const teacher: FfnWeights = {
  width: D,
  hidden: H,
  fc1Kernel: normals(D * H, 0.5, 'w1'),
  fc1Bias: normals(H, 0.3, 'b1'),
  fc2Kernel: normals(H * D, 0.4, 'w2'),
  fc2Bias: normals(D, 0.3, 'b2'),
};
const firstUnits = (count: number) =>
  sliceFfn(
    teacher,
    Array.from({ length: count }, (_, i) => i),
  );
const rows = normals(600 * D, 1, 'tokens');
const tokens: TokenReader = {
  count: 600,
  width: D,
  read: (start, count) => Promise.resolve(rows.slice(start * D, (start + count) * D)),
};

type Settings = DistillTask['settings'];
type Changes = Partial<Omit<DistillTask, 'settings' | 'examples'>> &
  Partial<Pick<TeacherExampleOptions, 'heldOut' | 'gelu'>> & { settings?: Partial<Settings> };

/** Two students of the teacher's own map, with changes. */
async function distill({ heldOut, gelu, settings, ...changes }: Changes = {}): Promise<DistillResult> {
  const students = changes.students ?? bothWidths;
  const examples = teacherExamples({
    teacher,
    students: students.length,
    tokens,
    heldOut: heldOut ?? normals(150 * D, 1, 'held-out'),
    gelu: gelu ?? 'exact',
    batchTokens: 96,
    seed: 1,
  });
  const task: DistillTask = {
    block: 'block-07',
    students,
    examples,
    signal: new AbortController().signal,
    checkpoint: memoryCheckpoint(),
    ...changes,
    settings: {
      optimizer: 'adamw',
      learningRate: 2e-2,
      schedule: 'cosine',
      warmupShare: 0.05,
      weightDecay: 0,
      loss: 'normalised-mse',
      steps: 20,
      ...settings,
    },
  };
  return distillBlock(task).finally(() => examples.dispose());
}

const bothWidths: DistillTask['students'] = [
  { id: 'block-07/w0018', weights: firstUnits(18) },
  { id: 'block-07/w0010', weights: firstUnits(10) },
];

describeOnEachEngine('distillBlock', () => {
  it('lowers the held-out error of every width and keeps the trained weights', async () => {
    const reports: Record<string, number>[] = [];
    const { students, history, steps } = await distill({
      onProgress: ({ metrics }) => reports.push(metrics),
    });
    assert.equal(history.length, 10);
    assert.deepEqual(steps, { planned: 20, made: 20 });
    history.forEach(({ seconds }, i) => assert.ok(seconds > (i === 0 ? 0 : history[i - 1]!.seconds)));
    for (const [index, student] of students.entries()) {
      assert.equal(student.kept, 'trained');
      assert.ok(
        student.errorAfter < 0.5 * student.errorBefore,
        `${student.errorBefore} -> ${student.errorAfter}`,
      );
      assert.equal(student.gainOverRefit, 1 - student.errorAfter / student.errorBefore);
      assert.equal(Math.min(...history.map(({ errors }) => errors[index]!)), student.errorAfter);
      assert.equal(student.weights.hidden, [18, 10][index]);
    }
    const last = present(reports.at(-1));
    assert.ok(last['loss block-07/w0018']! < reports[0]!['loss block-07/w0018']!);
    assert.ok(present(last.tokensPerSecond) > 0 && present(last.gflopPerSecond) > 0);
  });

  it('measures the error as the share of the teacher’s output variance that is lost', async () => {
    const constant: FfnWeights = {
      ...firstUnits(1),
      fc1Kernel: new Float32Array(D),
      fc1Bias: new Float32Array(1),
    };
    // A block that answers with the mean output loses all of the variance: error 1 by definition.
    const heldOut = normals(150 * D, 1, 'held-out');
    const mean = hostMeanOutput(heldOut);
    const students = [
      { id: 'mean', weights: { ...constant, fc2Kernel: new Float32Array(D), fc2Bias: mean } },
    ];
    const result = await distill({ students, heldOut, settings: { steps: 1 } });
    assert.ok(Math.abs(result.students[0]!.errorBefore - 1) < 1e-5, String(result.students[0]!.errorBefore));
  });

  it('trains each width as if it were alone', async () => {
    const both = await distill();
    const alone = await distill({ students: [{ id: 'block-07/w0010', weights: firstUnits(10) }] });
    assert.deepEqual(both.students[1], alone.students[0]);
  });

  it('keeps the refit where training does harm, and says by how much', async () => {
    const { students } = await distill({ settings: { learningRate: 30, schedule: 'constant' } });
    for (const [index, student] of students.entries()) {
      assert.equal(student.kept, 'refit');
      assert.ok(student.gainOverRefit < 0 && student.errorAfter > student.errorBefore);
      assert.deepEqual(student.weights, firstUnits([18, 10][index]!));
    }
  });

  it('learns with the plain recipe too: Adam and mean squared error, tanh GELU', async () => {
    const settings = { optimizer: 'adam', loss: 'mse', schedule: 'constant' } as const;
    const { students } = await distill({ settings, gelu: 'tanh' });
    assert.ok(students.every(({ gainOverRefit }) => gainOverRefit > 0.5));
  });

  for (const stopAt of [1, 16]) {
    it(`interrupted after step ${stopAt} and resumed, it ends bit for bit where it would have ended`, async () => {
      const whole = await distill({ settings: { weightDecay: 0.01 } });
      const checkpoint = memoryCheckpoint();
      const settings = { weightDecay: 0.01 };
      await assert.rejects(distill({ settings, checkpoint, signal: abortAfter(stopAt) }), /Ctrl-C/);
      assert.equal(present(checkpoint.saved.at(-1)).meta.step, stopAt);
      assert.deepEqual(timeless(await distill({ settings, checkpoint })), timeless(whole));
    });
  }

  it('checkpoints on its own while it runs, and any of those is a good place to go on from', async () => {
    const checkpoint = memoryCheckpoint();
    const whole = await distill({ checkpoint, checkpointSeconds: 0 });
    assert.equal(checkpoint.saved.length, 20);
    checkpoint.saved.length = 13;
    assert.deepEqual(timeless(await distill({ checkpoint })), timeless(whole));
  });

  it('stops on a loss that is no number, naming block, descendant and step, and leaves nothing behind', async () => {
    const weights = { ...firstUnits(10), fc2Bias: new Float32Array(D).fill(NaN) };
    const students = [bothWidths[0]!, { id: 'block-07/w0010', weights }];
    const before = tf.memory().numTensors;
    await assert.rejects(distill({ students }), (error: BlockForgeError) => {
      assert.equal(error.failure.reason, 'not-finite');
      assert.equal(error.failure.subject, 'distill, block-07, block-07/w0010');
      assert.match(error.failure.found, /the loss is NaN at step 1$/);
      return true;
    });
    assert.equal(tf.memory().numTensors, before);
  });

  it('turns seconds into steps once: the training is the one of that many steps, resumed too', async () => {
    const timed = await distill({ settings: { steps: { seconds: 0.4 } } });
    const { planned, made } = timed.steps;
    assert.ok(planned >= 1 && made === planned, `${planned} steps planned, ${made} made`);
    assert.deepEqual(timeless(await distill({ settings: { steps: planned } })), timeless(timed));

    const checkpoint = memoryCheckpoint();
    const settings = { steps: { seconds: 0.4 } };
    // The probes ask the signal by another way, so the abort comes after the first real step.
    await assert.rejects(distill({ settings, checkpoint, signal: abortAfter(1) }), /Ctrl-C/);
    const { steps } = present(checkpoint.saved.at(-1)).meta.plan as { steps: number };
    const resumed = await distill({ settings, checkpoint });
    assert.equal(resumed.steps.made, steps);
    assert.deepEqual(timeless(resumed), timeless(await distill({ settings: { steps } })));
  });

  it('refuses a checkpoint of another number of steps', async () => {
    const checkpoint = memoryCheckpoint();
    await distill({ checkpoint, checkpointSeconds: 0, settings: { steps: 2 } });
    await assert.rejects(
      distill({ checkpoint, settings: { steps: 3 } }),
      /a training of 2 steps, expected 3/,
    );
  });

  it('stops early once the gain dries up, with the decay hurried, and resumes to the same', async () => {
    const settings = { steps: 100, earlyStop: { patience: 2, minimumGain: 0.3 } };
    const checkpoint = memoryCheckpoint();
    const { steps, history, ...rest } = await distill({ settings, checkpoint, checkpointSeconds: 0 });
    assert.equal(steps.planned, 100);
    assert.ok(steps.made < 100, `${steps.made} steps`);
    assert.equal(present(history.at(-1)).step, steps.made);
    assert.ok(rest.students.every(({ gainOverRefit }) => gainOverRefit > 0.5));
    // From inside the hurried decay.
    checkpoint.saved.length = steps.made - 3;
    const resumed = await distill({ settings, checkpoint });
    assert.deepEqual(timeless(resumed), timeless({ steps, history, ...rest }));
  });

  it('refuses a checkpoint of other widths', async () => {
    const checkpoint = memoryCheckpoint();
    await distill({ checkpoint, checkpointSeconds: 0, settings: { steps: 2 } });
    const students = [
      { id: 'block-07/w0018', weights: firstUnits(17) },
      { id: 'block-07/w0010', weights: firstUnits(10) },
    ];
    await assert.rejects(
      distill({ checkpoint, students, settings: { steps: 2 } }),
      /checkpoint: block-07\/w0018\/fc1Kernel has 144 values, expected 136/,
    );
  });
});

/** Mean of the teacher's output over the rows, in float64, with a numerically integrated normal distribution. */
function hostMeanOutput(inputs: Float32Array): Float32Array {
  const count = inputs.length / D;
  const mean = new Float64Array(D);
  for (let n = 0; n < count; n++) {
    for (let j = 0; j < H; j++) {
      let z = teacher.fc1Bias[j]!;
      for (let d = 0; d < D; d++) z += inputs[n * D + d]! * teacher.fc1Kernel[d * H + j]!;
      const h = z * normalDistribution(z);
      for (let d = 0; d < D; d++) mean[d]! += (h * teacher.fc2Kernel[j * D + d]!) / count;
    }
  }
  return Float32Array.from(mean, (value, d) => value + teacher.fc2Bias[d]!);
}

/** Simpson's rule over [0, z], 64 intervals: better than 1e-9 for |z| < 8. */
function normalDistribution(z: number): number {
  const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(z);
  for (let i = 1; i < 64; i++) sum += (i % 2 ? 4 : 2) * density((i * z) / 64);
  return 0.5 + (sum * z) / 192;
}
