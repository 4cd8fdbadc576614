import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shapeClasses } from '../../../datasets/sources/shape-drawing.ts';
import type { Preprocessing } from '../../../datasets/contract.ts';
import { normalisations } from '../../../datasets/preprocessing.ts';
import { configSchema } from '../../../pipeline/config/schema.ts';
import { writeTeacher } from '../../../pipeline/checkpoint/teacher-file.ts';
import { preparePlanInput } from '../../../pipeline/stages/common/plan-input.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { writeSafetensors } from '../../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture } from '../../support/checkpoints.ts';

const imagenet: Preprocessing = {
  resize: 10,
  resizeMode: 'shortest',
  interpolation: 'bilinear',
  crop: 8,
  channels: 3,
  ...normalisations(3).imagenet,
};

describe('what a run is planned from', () => {
  let folder: string;
  // As many as the teacher has.
  const classes = shapeClasses.slice(0, tinyArchitecture.classes);
  const prepare = (data: object, teacher: object = { checkpoint: join(folder, 'teacher.safetensors') }) => {
    const splits = { calibration: 1, selection: 1, test: 0 };
    const config = configSchema.parse({ teacher, data: { source: 'shapes', classes, splits, ...data } });
    return preparePlanInput({ config, name: 'test', file: 'test.yaml' }, 'wasm');
  };
  const saveTeacher = (preprocessing?: Preprocessing) =>
    writeTeacher(
      join(folder, 'teacher.safetensors'),
      strongWeights(tinyArchitecture),
      tinyArchitecture,
      preprocessing,
    );
  const refusal = (reason: string, words: RegExp) => (error: unknown) => {
    assert.ok(error instanceof BlockForgeError, String(error));
    assert.equal(error.failure.reason, reason);
    assert.match(error.message, words);
    return true;
  };

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'plan-input-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is the architecture and the preprocessing that the checkpoint comes with', async () => {
    await saveTeacher(imagenet);
    const { architecture, inputs, engine } = await prepare({});
    assert.deepEqual(architecture, tinyArchitecture);
    assert.deepEqual(inputs.preprocessing, imagenet);
    assert.deepEqual(inputs.checkpointFiles, [join(folder, 'teacher.safetensors')]);
    assert.deepEqual([inputs.dataFiles, inputs.dataListing, engine], [[], null, 'wasm']);
  });

  it('is the architecture that is trained, without a file', async () => {
    const { architecture, inputs } = await prepare({}, { train: { architecture: tinyArchitecture } });
    assert.deepEqual(architecture, tinyArchitecture);
    assert.deepEqual(inputs.checkpointFiles, []);
    assert.deepEqual(inputs.preprocessing.mean, [0.5, 0.5, 0.5]);
  });

  it('is not guessed where nothing says how images were prepared', async () => {
    await saveTeacher();
    await assert.rejects(prepare({}), refusal('config-invalid', /data\.preprocessing.*auto, and nothing/s));
    const { inputs } = await prepare({ preprocessing: 'imagenet' });
    assert.deepEqual(inputs.preprocessing.mean, imagenet.mean);
  });

  it('goes before what the checkpoint says, with a warning that tells both', async () => {
    await saveTeacher(imagenet);
    assert.deepEqual((await prepare({})).warnings, []);
    const half = await prepare({ preprocessing: 'half' });
    assert.deepEqual(half.inputs.preprocessing.mean, [0.5, 0.5, 0.5]);
    assert.match(
      half.warnings?.join() ?? '',
      /as data\.preprocessing says \(.*mean \[0\.5, 0\.5, 0\.5\].*not as the checkpoint does \(.*mean \[0\.485/,
    );
    const { mean, std } = imagenet;
    const { inputs, warnings } = await prepare({
      preprocessing: { resize: 20, crop: 8, mean: [...mean], std: [...std] },
    });
    assert.equal(inputs.preprocessing.resize, 20);
    assert.match(warnings?.join() ?? '', /shortest 20 bicubic.*shortest 10 bilinear/);
  });

  it('is refused by file and field where what lies beside the checkpoint cannot be had, unless the config says it', async () => {
    const checkpoint = join(folder, 'model');
    mkdirSync(checkpoint);
    await writeSafetensors(join(checkpoint, 'model.safetensors'), strongWeights(tinyArchitecture));
    const config = { model_type: 'vit', num_attention_heads: 2, layer_norm_eps: 1e-6, hidden_act: 'gelu' };
    writeFileSync(join(checkpoint, 'config.json'), JSON.stringify(config));
    writeFileSync(join(checkpoint, 'preprocessor_config.json'), JSON.stringify({ size: 384 }));
    await assert.rejects(
      prepare({}, { checkpoint }),
      refusal(
        'checkpoint-unsupported',
        /preprocessor_config\.json: size of 384 pixels\n.*expected: 8, .*--set data\.preprocessing=NAME/s,
      ),
    );
    const { inputs, warnings } = await prepare({ preprocessing: 'half' }, { checkpoint });
    assert.equal(inputs.preprocessing.resize, 8);
    assert.match(warnings?.join() ?? '', /cannot be had \(.*preprocessor_config\.json: size of 384 pixels\)/);
  });

  it('notices an image that was added to a folder or replaced, and no hidden file', async () => {
    await saveTeacher(imagenet);
    const images = join(folder, 'images');
    await assert.rejects(
      prepare({ source: 'folder', path: images }),
      refusal('file-missing', /no such folder/),
    );
    const listing = async () =>
      (await prepare({ source: 'folder', path: images, classes: undefined })).inputs.dataListing;
    for (const name of ['cat', 'dog', 'emu', 'fox', 'gnu'])
      mkdirSync(join(images, name), { recursive: true });
    writeFileSync(join(images, 'cat', 'a.png'), 'one');
    writeFileSync(join(images, 'dog', 'a.png'), 'one');
    const first = await listing();
    writeFileSync(join(images, 'cat', '.DS_Store'), 'x');
    assert.equal(await listing(), first);
    writeFileSync(join(images, 'cat', 'a.png'), 'longer');
    const second = await listing();
    assert.notEqual(second, first);
    writeFileSync(join(images, 'cat', 'b.png'), '');
    assert.notEqual(await listing(), second);
  });

  it('refuses splits that cannot be drawn, and a training without images, with what the drawing would say', async () => {
    await saveTeacher(imagenet);
    const images = join(folder, 'images');
    for (const part of ['train', 'val']) {
      for (const name of ['cat', 'dog', 'emu', 'fox', 'gnu', 'yak']) {
        mkdirSync(join(images, part, name), { recursive: true });
        for (let i = 0; i < 3; i++) writeFileSync(join(images, part, name, `${i}.png`), '');
      }
    }
    const data = { source: 'folder', path: images, classes: ['cat', 'dog', 'emu', 'fox', 'gnu'] };
    const ask = (selection: number, test: number) => ({
      ...data,
      splits: { calibration: 15, selection, test },
    });
    await prepare(ask(10, 5));
    // Images of classes that are left out do not count.
    await assert.rejects(
      prepare(ask(10, 6)),
      refusal(
        'data-invalid',
        /images \(36 images, 6 classes\): 15 validation images; the data has train 15, val 15\n.*at least 16/,
      ),
    );
    const train = { train: { architecture: tinyArchitecture } };
    const from = (images: number) => ({ images, from: 'train' });
    const trained = (selection: number) => ({
      ...data,
      splits: { calibration: 1, selection: from(selection), test: 5 },
    });
    await prepare(trained(13), train);
    await assert.rejects(
      prepare(trained(14), train),
      refusal(
        'data-invalid',
        /15 training images, 14 of them for selection\n.*at least 2 images left.*\n.*lower data\.splits\.selection/,
      ),
    );
    await assert.rejects(
      prepare({ shapes: { images: 600 }, splits: { calibration: 1, selection: 1, test: 100 } }),
      refusal('data-invalid', /^shapes: 100 test images; the data has train 500, test 100\n.*at least 101/),
    );
  });

  it('names the place of another checkpoint, not the settings of the teacher', async () => {
    await saveTeacher(imagenet);
    const other = join(folder, 'other');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'pytorch_model.bin'), 'x');
    const refusal = async (student: object): Promise<string> => {
      const splits = { calibration: 1, selection: 1, test: 0 };
      const teacher = { checkpoint: join(folder, 'teacher.safetensors') };
      const config = configSchema.parse({ teacher, data: { source: 'shapes', classes, splits } });
      const loaded = { config, name: 'test', file: 'test.yaml' };
      const others = [{ key: 'students[1]', checkpoint: other, ...student }];
      try {
        await preparePlanInput(loaded, 'wasm', {}, others);
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error('accepted');
    };
    const named = await refusal({
      checkpoint: join(folder, 'teacher.safetensors'),
      architecture: 'vit_tinny',
    });
    assert.match(named, /^test\.yaml: students\[1\]\.architecture: "vit_tinny"/);
    const pickled = await refusal({});
    assert.match(pickled, /^test\.yaml: students\[1\]: /);
    assert.match(pickled, /students\[1\]\.checkpoint: \S+\.safetensors$/m);
    assert.doesNotMatch(named + pickled, /teacher\.(checkpoint|architecture|hints)|--set/);
  });
});
