import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Preprocessing } from '../../datasets/contract.ts';
import { rotaryTable } from '../../pipeline/checkpoint/rotary-tables.ts';
import { writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { blockCosts, modelCosts } from '../../pipeline/model/costs.ts';
import { withoutHead, type Architecture } from '../../pipeline/model/architecture.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { startRuntime } from '../../pipeline/runtime/index.ts';
import { random } from '../../pipeline/util/random.ts';
import { assertNear } from '../slicing/models.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';
import { present } from '../support/present.ts';
import { finished, succeeded, workplace, type Workplace } from './blockforge.ts';

const plain: Architecture = {
  imageSize: 16,
  patchSize: 4,
  channels: 3,
  width: 16,
  depth: 3,
  heads: 2,
  hidden: 32,
  classes: 10,
  layerNormEpsilon: 1e-5,
  gelu: 'quick',
};
const preprocessing: Preprocessing = {
  resize: 16,
  resizeMode: 'shortest',
  interpolation: 'bicubic',
  crop: 16,
  channels: 3,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};

interface Form {
  readonly title: string;
  readonly architecture: Architecture;
  /** `teacher.head` of the config. */
  readonly head: string;
  readonly readme: RegExp;
}

/** Together everything that a pre-norm ViT may have and a plain one has not. */
const forms: readonly Form[] = [
  {
    title: 'gated, registers, rotary positions, class token and mean',
    architecture: { ...plain, gelu: 'silu', gated: true, registers: 3, rotary: true, pool: 'class-and-mean' },
    head: '{ train: true }',
    readme: /gated blocks, 3 registers, rotary positions, head on the normalised class token and the mean/,
  },
  {
    title: 'a tower: first norm, no class token, attention pooling',
    architecture: { ...plain, classToken: false, normPre: true, pool: 'attention' },
    head: 'none',
    readme:
      /features of 16 numbers.*no class token, a norm before the blocks, features are what a learned query/,
  },
  {
    title: 'gated, registers, no class token, maximum of the patches',
    architecture: { ...plain, gated: true, registers: 2, classToken: false, pool: 'max' },
    head: '{ train: true }',
    readme: /no class token, 2 registers, head on the normalised maximum of the patches/,
  },
  {
    title: 'biases of relative positions, mean of the patches',
    architecture: { ...plain, relativePositionBias: true, pool: 'mean' },
    head: '{ train: true }',
    readme: /biases of relative positions, head on the normalised mean of the patches/,
  },
  {
    title: 'distilled, one head of it',
    architecture: { ...plain, family: 'deit', reads: 'distillation' },
    head: '{ train: true }',
    readme: /distilled DeiT/,
  },
];

const config = (head: string) => `
teacher: { checkpoint: teacher.safetensors, head: ${head} }
data: { source: cifar10, path: colours, splits: { calibration: 300, selection: 200, test: 50 } }
statistics: { tokensPerImage: 10 }
descendants: { sparsities: [0.5, 0.75] }
distill: { duration: { steps: 6 }, batchSize: 16 }
polish: { sparsities: [0.5], steps: 4 }
measure: { batchSize: 100, compositions: 4, latency: { warmup: 1, iterations: 3 } }
`;

/** Weights to train from, ten times as large, so that every part counts. */
async function writeRandomTeacher(path: string, architecture: Architecture): Promise<void> {
  const weights = initialWeights(architecture, 3);
  for (const [name, { data }] of Object.entries(weights)) {
    if (name === 'rotary.cos') data.set(rotaryTable(architecture, Math.cos));
    else if (name === 'rotary.sin') data.set(rotaryTable(architecture, Math.sin));
    else if (!/norm.*\.weight$/.test(name)) data.forEach((value, i) => (data[i] = 10 * value));
  }
  await writeTeacher(path, weights, architecture, preprocessing);
}

/** Files as CIFAR-10's of images whose class is their colour, with noise: features of random weights tell them apart. */
function writeColours(place: Workplace): void {
  const draw = random(2, 'colours');
  const colours = Array.from({ length: 10 }, () => [0, 1, 2].map(() => 40 + 175 * draw.next()));
  const records = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const planes = present(colours[index % 10]).flatMap((value) =>
        Array.from({ length: 32 * 32 }, () => value + 20 * draw.normal()),
      );
      return [index % 10, ...Uint8ClampedArray.from(planes)];
    }).flat();
  mkdirSync(join(place.folder, 'colours'));
  for (const batch of [1, 2, 3, 4, 5])
    place.write(`colours/data_batch_${batch}.bin`, Uint8Array.from(records(100)));
  place.write('colours/test_batch.bin', Uint8Array.from(records(300)));
}

/** What both engines of the runtime answer to the same images, with the narrowest blocks. */
async function answersOf(library: Library): Promise<number[][]> {
  const { manifest } = library;
  const draw = random(1, 'pixels');
  const pixels = Float32Array.from({ length: 2 * 3 * 16 * 16 }, () => draw.normal());
  const answers: number[][] = [];
  for (const engine of ['onnxruntime', 'tfjs'] as const) {
    const runtime = await startRuntime(library, { engine });
    runtime.use(manifest.blocks.map(({ descendants }) => present(descendants.at(-1)).id));
    const isTower = manifest.teacher.architecture.answer !== undefined;
    const found = isTower
      ? await runtime.features(pixels)
      : (await runtime.predict(pixels)).map(({ logits }) => logits);
    answers.push(found.flatMap((one) => [...one]));
    await runtime.close();
  }
  return answers;
}

for (const { title, architecture, head, readme } of forms) {
  describe(`a pre-norm ViT of another form, from its file to what runs it (${title})`, function () {
    this.timeout(120_000);
    let place: Workplace;
    const run = () => join(place.folder, 'runs', 'form');
    const said = async (...words: string[]) => {
      const { code, stdout, stderr } = await place.blockforge(...words);
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    };
    before(async () => {
      place = workplace();
      place.write('form.yaml', config(head));
      writeColours(place);
      await writeRandomTeacher(join(place.folder, 'teacher.safetensors'), architecture);
    });
    after(() => place.remove());

    it('becomes a library that says what it is', async () => {
      const made = await place.run(['--config', 'form.yaml']);
      succeeded(made);
      assert.ok(finished(made.events).includes('polish/uniform-50'));
      const { manifest } = await openLibrary(run());
      const { classes } = manifest.teacher.architecture;
      const expected = head === 'none' ? withoutHead(architecture) : { ...architecture, classes };
      assert.deepEqual(manifest.teacher.architecture, expected);
      assert.equal(manifest.teacher.macs, modelCosts(expected).macs);
      for (const { index, descendants } of manifest.blocks) {
        assert.deepEqual(
          descendants.map(({ width, params, macs }) => [width, params, macs]),
          [32, 16, 8].map((width) => {
            const { params, macs } = blockCosts(expected, index, width);
            return [width, params, macs];
          }),
        );
      }
      assert.match(readFileSync(join(run(), 'library', 'README.md'), 'utf8'), readme);
      assert.match(await said('show', run()), /block-00/);
    });

    it('is verified, composed and profiled', async () => {
      assert.match(await said('verify', run()), /The library is whole/);
      const model = join(place.folder, 'model');
      await said('compose', run(), '--params', '80%', '--refit', '--out', model);
      assert.match(await said('verify', model), /The model is whole/);
      const rounds = ['--iterations', '2', '--batch', '1'];
      await said('profile', run(), '--runtime', 'tfjs', ...rounds, '--name', 'engine');
      if (!(await hasOnnxRuntime())) return;
      await said('profile', run(), ...rounds, '--name', 'here');
      const composed = await said('compose', run(), '--latency', '100%', '--profile', 'here', '--dry-run');
      assert.match(composed, /whole model, calibrated/);
    });

    it('is a teacher with a head of its own from then on', async function () {
      if (head === 'none') this.skip();
      const file = join(run(), 'teacher', 'model', 'teacher.safetensors');
      const own = ['--set', `teacher={ checkpoint: ${JSON.stringify(file)} }`, '--set', 'name=again'];
      succeeded(await place.run(['--config', 'form.yaml', ...own]));
      const [first, again] = await Promise.all([openLibrary(run()), openLibrary(join(run(), '../again'))]);
      const { sha256, architecture, accuracy } = first.manifest.teacher;
      assert.deepEqual(again.manifest.teacher.architecture, architecture);
      assert.deepEqual([again.manifest.teacher.sha256, again.manifest.teacher.accuracy], [sha256, accuracy]);
      const refits = ({ manifest }: Library) => manifest.uniform.map(({ refit }) => refit);
      assert.deepEqual(refits(again), refits(first));
    });

    it('answers alike in both engines of the runtime', async function () {
      if (!(await hasOnnxRuntime())) this.skip();
      const [one = [], other = []] = await answersOf(await openLibrary(run()));
      assertNear(one, other, 1e-5);
    });
  });
}
