/**
 * Distillation in float32 and in bfloat16: held-out errors after the same steps from the same refits, and the time of a step.
 *
 *     npm run bench -- precision [--shape tiny|base] [--steps 200] [--weights FILE.safetensors --block 5] [--tokens FILE.f32] [--rounded]
 *
 * Half of the hidden units are removed, and 70 %. Without files weights and tokens are random, and few directions make up most of a token;
 * `--tokens` has inputs [N, D] of that block, float32. `--rounded` rounds in float32 operations what this processor cannot multiply: the
 * errors are those of bfloat16, the times mean nothing. Exit 1: an error differs by more than 0.05 %.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { outputErrors } from '../pipeline/compress/errors.ts';
import { ffnOutput } from '../pipeline/distill/loss.ts';
import { learningRateAt } from '../pipeline/distill/schedule.ts';
import { disposeStudent, downloadFfns, startStudent } from '../pipeline/distill/student.ts';
import { disposeFfn, uploadFfn } from '../pipeline/model/ffn-tensors.ts';
import { ffnNames } from '../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../pipeline/model/host-weights.ts';
import { readTensors } from '../pipeline/model/safetensors.ts';
import { bfloat16Obstacle } from '../pipeline/precision/bfloat16-obstacle.ts';
import { bfloat16Speedup } from '../pipeline/precision/bfloat16-speedup.ts';
import { plannedFacts } from '../pipeline/precision/planned-facts.ts';
import { recipeSchema } from '../pipeline/recipe/schema.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import { random } from '../pipeline/util/random.ts';
import type { Precision } from '../pipeline/tensor/recorded/precision.ts';
import { renderTable } from '../pipeline/terminal/table.ts';
import { blockStep } from './support/block-step.ts';
import { prepareBlock, randomBlock, randomTokens } from './precision/block.ts';

const { values } = parseArgs({
  options: {
    shape: { type: 'string', default: 'tiny' },
    steps: { type: 'string', default: '200' },
    weights: { type: 'string' },
    block: { type: 'string', default: '5' },
    tokens: { type: 'string' },
    rounded: { type: 'boolean', default: false },
  },
});
const steps = Number(values.steps);
const limit = 5e-4;

if (values.rounded) process.env.BLOCKFORGE_FUNCTIONS = 'off';
const engine = await loadEngine('auto');
const obstacle = values.rounded ? undefined : bfloat16Obstacle(plannedFacts(engine.name));
if (obstacle !== undefined) {
  console.log(`no bfloat16 here: ${obstacle.found}; --rounded compares errors all the same`);
} else {
  await compare();
}

async function compare(): Promise<void> {
  const block = Number(values.block);
  const teacher =
    values.weights === undefined
      ? randomBlock(values.shape === 'base' ? 768 : 192)
      : hostFfn((await readTensors(values.weights, Object.values(ffnNames(block)))).tensors, block);
  const { width, hidden } = teacher;
  const batchTokens = width > 400 ? 8192 : 2048;
  const rows =
    values.tokens === undefined ? randomTokens(5 * batchTokens, width) : floats(readFileSync(values.tokens));
  const { students, refitErrors, training, heldOut } = prepareBlock(teacher, rows, {
    batchTokens,
    sparsities: [0.5, 0.7],
  });
  console.log(`${engine.description}; ${batchTokens} tokens x ${width} x ${hidden}, ${steps} steps`);

  const settings = { ...recipeSchema.parse({}).distill, steps };
  const train = async (precision: Precision) => {
    const trained = students.map((weights) => startStudent({ id: `w${weights.hidden}`, ffns: [weights] }));
    const network = uploadFfn(teacher);
    let quickest = Infinity;
    for (let step = 0; step < steps; step++) {
      const began = performance.now();
      const x = tf.tensor2d(drawnRows(training, width, batchTokens, step), [batchTokens, width]);
      const target = ffnOutput(x, network, 'exact');
      const learningRate = learningRateAt(settings, { steps, hurried: null }, step);
      for (const student of trained) {
        const loss = blockStep(
          student,
          { x, target },
          { lossScale: 1 / batchTokens, learningRate, precision },
        );
        loss.dataSync();
        loss.dispose();
      }
      tf.dispose([x, target]);
      quickest = Math.min(quickest, performance.now() - began);
    }
    const found = (await Promise.all(trained.map(downloadFfns))).flat();
    trained.forEach(disposeStudent);
    disposeFfn(network);
    const errors = outputErrors(teacher, found, heldOut, 'exact').map(({ relative }) => relative);
    return { errors, ms: quickest };
  };
  const [float32, bfloat16] = [await train('float32'), await train('bfloat16')];

  const differences = float32.errors.map((error, index) => bfloat16.errors[index]! / error - 1);
  const titles = ['hidden', 'refit', 'float32', 'bfloat16', 'difference', 'product faster'];
  const table = renderTable(
    titles.map((title) => ({ title, align: 'right' })),
    students.map(({ hidden: kept }, index) => [
      String(kept),
      refitErrors[index]!.toFixed(5),
      float32.errors[index]!.toFixed(6),
      bfloat16.errors[index]!.toFixed(6),
      `${(100 * differences[index]!).toFixed(4)} %`,
      values.rounded ? '-' : `${bfloat16Speedup({ tokens: batchTokens, width, hidden: kept }).toFixed(2)}x`,
    ]),
  );
  console.log(table.join('\n'));
  console.log(
    `a step of both, the teacher's outputs included, at its quickest: ${float32.ms.toFixed(1)} ms in float32, ` +
      `${bfloat16.ms.toFixed(1)} ms in bfloat16: ${(float32.ms / bfloat16.ms).toFixed(2)}x`,
  );
  const worst = Math.max(...differences.map(Math.abs));
  if (worst > limit) {
    console.error(`the errors differ by ${(100 * worst).toFixed(4)} %, more than ${100 * limit} %`);
    process.exitCode = 1;
  }
}

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer);
}

/** The same for the same step. */
function drawnRows(rows: Float32Array, width: number, count: number, step: number): Float32Array {
  const draw = random(1, 'bench', step);
  const found = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    const start = draw.integer(rows.length / width) * width;
    found.set(rows.subarray(start, start + width), i * width);
  }
  return found;
}
