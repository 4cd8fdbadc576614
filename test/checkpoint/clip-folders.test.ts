import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint, type InspectOptions } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher, writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { withoutHead, type Architecture } from '../../pipeline/model/architecture.ts';
import { present } from '../support/present.ts';

const fixtures = join(import.meta.dirname, '../fixtures/teachers');
const sizes = {
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 16,
  image_size: 8,
  patch_size: 4,
  layer_norm_eps: 1e-5,
};
const text_config = { model_type: 'clip_text_model', hidden_size: 8, vocab_size: 10 };
const classes = { id2label: { 0: 'a', 1: 'b', 2: 'c', 3: 'd' }, label2id: { a: 0, b: 1, c: 2, d: 3 } };
const clip = {
  architectures: ['CLIPModel'],
  model_type: 'clip',
  projection_dim: 5,
  logit_scale_init_value: 2.6592,
  initializer_factor: 1,
  text_config,
  vision_config: { model_type: 'clip_vision_model', ...sizes, hidden_act: 'quick_gelu', projection_dim: 512 },
};
const siglip = {
  architectures: ['SiglipModel'],
  model_type: 'siglip',
  text_config: { model_type: 'siglip_text_model' },
  vision_config: { model_type: 'siglip_vision_model', ...sizes },
};
const tower = {
  ...{ imageSize: 8, patchSize: 4, channels: 3, width: 8, depth: 2, heads: 2, hidden: 16 },
  layerNormEpsilon: 1e-5,
} as const satisfies Partial<Architecture>;

describe('checkpoint: folders of CLIP and SigLIP', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-clip-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function inspected(
    weights: string,
    config: object,
    options: InspectOptions = {},
    processor?: object,
  ) {
    await mkdir(folder, { recursive: true });
    await copyFile(join(fixtures, `${weights}.safetensors`), join(folder, 'model.safetensors'));
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    if (processor !== undefined)
      await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(processor));
    return inspectCheckpoint(folder, options);
  }

  it('of whole models are read for their tower of images, by what vision_config says', async () => {
    const whole = await inspected('huggingface-clip-whole', clip);
    assert.deepEqual(whole.architecture, {
      ...tower,
      ...{ gelu: 'quick', normPre: true, answer: 'projected', classes: 5 },
    });
    assert.ok(whole.notes.includes('not used: the tower of texts (22 tensors)'));
    const other = await inspected('huggingface-siglip-whole', siglip);
    assert.deepEqual(other.architecture, {
      ...tower,
      ...{ gelu: 'tanh', classToken: false, pool: 'attention', answer: 'pooled', classes: 8 },
    });
    assert.equal(other.origin.gelu, 'config.json, where transformers takes its default');
  });

  it('take vision_config_dict of older files for all of it, as transformers does', async () => {
    const older = {
      ...clip,
      vision_config_dict: sizes,
      vision_config: { num_attention_heads: 4, layer_norm_eps: 1 },
    };
    const { architecture } = await inspected('huggingface-clip-whole', older);
    assert.deepEqual(
      [architecture.heads, architecture.layerNormEpsilon, architecture.gelu],
      [2, 1e-5, 'quick'],
    );
    const without = { ...clip, vision_config_dict: null };
    assert.equal((await inspected('huggingface-clip-whole', without)).architecture.heads, 2);
  });

  it('are refused by the field that contradicts the weights or is not known, below its object', async () => {
    const vision = (fields: object) =>
      inspected('huggingface-clip-whole', { ...clip, vision_config: { ...clip.vision_config, ...fields } });
    await assert.rejects(vision({ hidden_size: 16 }), /vision_config\.hidden_size 16.*8, as the weights/s);
    await assert.rejects(vision({ image_size: 16 }), /vision_config\.image_size 16/);
    await assert.rejects(vision({ hidden_act: 'mish' }), /vision_config\.hidden_act "mish"/);
    await assert.rejects(vision({ strange: 1 }), /ignoreFields: \[vision_config\.strange\]/);
    const vouched = await inspected(
      'huggingface-clip-whole',
      { ...clip, vision_config: { ...clip.vision_config, strange: 1 } },
      { hints: { ignoreFields: ['vision_config.strange'] } },
    );
    assert.equal(vouched.architecture.heads, 2);
    await assert.rejects(
      inspected('huggingface-clip-whole', { ...clip, strange: 1 }),
      /ignoreFields: \[strange\]/,
    );
    await assert.rejects(inspected('huggingface-clip-whole', { ...clip, model_type: 'siglip2' }), /siglip2/);
  });

  it('are refused beside the weights of another class, whose defaults are not theirs', async () => {
    for (const [weights, config, types] of [
      ['siglip', { ...clip.vision_config, model_type: 'clip_vision_model' }, 'siglip or siglip_vision_model'],
      [
        'clip-tower',
        { ...siglip.vision_config, model_type: 'siglip_vision_model' },
        'clip or clip_vision_model',
      ],
      ['clip-whole', { ...sizes, model_type: 'vit' }, 'clip or clip_vision_model'],
      ['dinov2', { ...sizes, model_type: 'vit' }, 'dinov2 or dinov2_with_registers'],
      ['dinov3', { ...sizes, model_type: 'dinov2' }, 'dinov3_vit'],
      ['no-qkv-bias', { ...sizes, model_type: 'dinov2' }, 'vit or deit or beit or data2vec-vision'],
    ] as const)
      await assert.rejects(
        inspected(`huggingface-${weights}`, config),
        (error: Error) => error.message.includes(`${types}, whose names the tensors have`),
        weights,
      );
  });

  it('of classifiers are read with the mean that their class takes, labels included', async () => {
    for (const [weights, config, others] of [
      ['clip', clip, { gelu: 'quick', normPre: true, pool: 'unnormed-mean' }],
      ['siglip', siglip, { gelu: 'tanh', classToken: false, pool: 'normed-mean' }],
    ] as const) {
      const found = await inspected(`huggingface-${weights}-classifier`, { ...config, ...classes });
      const architecture: Architecture = { ...tower, ...others, classes: 4 };
      assert.deepEqual(found.architecture, architecture);
      assert.deepEqual(found.classLabels()?.names, ['a', 'b', 'c', 'd']);
      await assert.rejects(
        inspected(`huggingface-${weights}-classifier`, { ...config, num_labels: 3 }),
        /num_labels 3.*4, as the weights have it/s,
      );
      const bare = await inspected(`huggingface-${weights}-classifier`, config, { headless: true });
      assert.deepEqual(bare.architecture, withoutHead(architecture));
      assert.ok(bare.notes.includes('left out: the head (classifier)'));
    }
  });

  it('of classifiers give way to a hint of what the head reads', async () => {
    const options = { hints: { pool: 'class-token' } } as const;
    const { architecture, notes } = await inspected('huggingface-clip-classifier', clip, options);
    assert.equal(architecture.pool, undefined);
    assert.ok(!notes.some((note) => note.includes('post_layernorm')), notes.join());
  });

  it('of towers whose pooling is called a head keep it where no head is wanted', async () => {
    const config = { ...siglip.vision_config, architectures: ['SiglipVisionModel'] };
    const { architecture } = await inspected('huggingface-siglip', config, { headless: true });
    assert.equal(architecture.pool, 'attention');
  });

  it('travel as teachers of our own, without a last norm where there is none', async () => {
    const found = await inspected('huggingface-clip-classifier', clip);
    const weights = await readTeacher(found);
    assert.equal(weights['norm.weight'], undefined);
    const plain = Object.fromEntries(
      Object.entries(weights).filter(([name]) => !name.startsWith('norm_pre.')),
    );
    for (const [architecture, own] of [
      [found.architecture, weights],
      [{ ...found.architecture, normPre: undefined }, plain],
    ] as const) {
      const path = join(folder, 'own.safetensors');
      await writeTeacher(path, own, architecture);
      const read = await inspectCheckpoint(path);
      assert.deepEqual({ ...read.architecture }, JSON.parse(JSON.stringify(architecture)));
      assert.deepEqual(await readTeacher(read), own);
    }
  });

  it('have images prepared as their processors do, named or not', async () => {
    const named = {
      image_processor_type: 'SiglipImageProcessor',
      size: { height: 8, width: 8 },
      resample: 3,
    };
    const half = [0.5, 0.5, 0.5];
    for (const processor of [named, { size: { height: 8, width: 8 } }]) {
      const { preprocessing } = await inspected('huggingface-siglip-whole', siglip, {}, processor);
      assert.deepEqual(preprocessing, {
        ...{ resize: 8, resizeMode: 'stretch', interpolation: 'bicubic', crop: 8, channels: 3 },
        ...{ mean: half, std: half },
      });
    }
    const { preprocessing } = await inspected('huggingface-clip-whole', clip, {}, { size: 8, crop_size: 8 });
    const { resize, resizeMode, mean } = present(preprocessing);
    assert.deepEqual([resize, resizeMode, mean[0]], [8, 'shortest', 0.48145466]);
  });
});
