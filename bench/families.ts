/**
 * What other families' forward passes take for their arithmetic, beside a ViT-B/16: full sizes, random weights, noise as images.
 *
 *     npm run bench -- families [--names NAME,...] [--batch 8] [--engine auto] [--seconds 20] [--rounds 3] [--no-check]
 *
 * The ratio is a model's seconds over (its multiply-adds / those of the ViT-B x the ViT-B's seconds), the best of passes that take turns;
 * the exit code is 1 where one is above 1.2. The last block is computed for all tokens too, also where the head reads one: what is counted
 * is done.
 */
import * as tf from '@tensorflow/tfjs-core';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { knownNames, namedArchitecture } from '../pipeline/checkpoint/architectures.ts';
import { modelCosts } from '../pipeline/model/costs.ts';
import { extentOf } from '../pipeline/model/architecture.ts';
import { backboneOf } from '../pipeline/model/backbones.ts';
import { head, walkBlocks } from '../pipeline/model/encoder.ts';
import { uploadTeacher, type TeacherTensors } from '../pipeline/model/upload.ts';
import { engineChoices } from '../pipeline/tensor/installed.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import { oneOf, wholeNumber } from '../pipeline/terminal/options.ts';
import { renderTable } from '../pipeline/terminal/table.ts';
import { fail } from '../pipeline/util/failure.ts';
import { formatCount } from '../pipeline/util/format.ts';
import { compareToFirst, type Pass } from './families/ratio.ts';
import { measure, ownSide, type Side } from './peers/measure.ts';
import { architectureNamed, noiseImages, randomTeacher } from './peers/random-teacher.ts';

const base = 'vit_base_patch16_224';
const others = [
  'deit_base_distilled_patch16_224',
  'vit_base_patch14_dinov2',
  'vit_base_patch16_clip_quickgelu_224',
  'swin_base_patch4_window7_224',
  'beit_base_patch16_224',
];
const most = 1.2;

const { values } = parseArgs({
  options: {
    names: { type: 'string', default: others.join(',') },
    batch: { type: 'string', default: '8' },
    engine: { type: 'string', default: 'auto' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    'no-check': { type: 'boolean', default: false },
  },
});
const batch = wholeNumber('batch', values.batch) ?? 8;
const seconds = wholeNumber('seconds', values.seconds, 0) ?? 20;
const rounds = wholeNumber('rounds', values.rounds) ?? 3;
const names = [...new Set([base, ...values.names.split(',')])];
const unknown = names.find((name) => namedArchitecture(name) === undefined);
if (unknown !== undefined)
  fail({ reason: 'usage', subject: '--names', found: unknown, expected: knownNames });

const { description } = await loadEngine(oneOf('engine', values.engine, engineChoices) ?? 'auto');
console.log(`${description}; batch ${batch}`);
const models = names.map((name) => ({ name, ...open(name) }));
try {
  const sides = Object.fromEntries(models.map(({ name, side }) => [name, side]));
  const { best, rounds: done } = await measure(sides, { warmUp: 1, seconds, rounds });
  const [first, ...more] = models.map(({ name, macs }): Pass => ({
    name,
    macs,
    seconds: best[name]!.wallSeconds,
  }));
  if (first === undefined) throw new Error('a list of names begins with the ViT-B');
  const rows = compareToFirst([first, ...more], batch);
  console.log(
    [
      ...renderTable(
        [
          { title: 'model' },
          { title: 'multiply-adds', align: 'right' },
          { title: 'images/s', align: 'right' },
          { title: 'GFLOP/s', align: 'right' },
          { title: 'ratio', align: 'right' },
        ],
        rows.map(({ name, macs, imagesPerSecond, flopPerSecond, ratio }) => [
          name,
          formatCount(macs),
          imagesPerSecond.toFixed(2),
          (flopPerSecond / 1e9).toFixed(0),
          ratio.toFixed(2),
        ]),
      ),
      '',
      `best of ${done} rounds; load at the end ${loadavg()[0]!.toFixed(2)}`,
    ].join('\n'),
  );
  const slow = rows.filter(({ ratio }) => ratio > most);
  if (slow.length > 0 && !values['no-check']) {
    console.error(
      `above ${most}: ${slow.map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`).join(', ')}`,
    );
    process.exitCode = 1;
  }
} finally {
  for (const { close } of models) close();
}

function open(name: string): { side: Side; macs: number; close: () => void } {
  const architecture = architectureNamed(name);
  const model = uploadTeacher(randomTeacher(architecture), architecture);
  const { shape, data } = noiseImages(batch, extentOf(architecture.imageSize));
  const images = tf.tensor4d(data, shape);
  const side = ownSide((count) => {
    let answer: Float32Array | undefined;
    for (let i = 0; i < count; i++) answer = logits(model, images);
    return Array.from(answer ?? []);
  });
  const close = () => {
    model.dispose();
    images.dispose();
  };
  return { side, macs: modelCosts(architecture).macs, close };
}

function logits(model: TeacherTensors, images: tf.Tensor4D): Float32Array {
  const { embed } = backboneOf(model.architecture);
  return tf.tidy(() => head(model, walkBlocks(model, embed(model, images))).dataSync<'float32'>());
}
