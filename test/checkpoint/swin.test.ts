import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import { checkAgainstWeights } from '../../pipeline/checkpoint/check-fields.ts';
import { fieldTables } from '../../pipeline/checkpoint/fields.ts';
import { inspectCheckpoint, type InspectOptions } from '../../pipeline/checkpoint/inspect.ts';
import { writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { familyProblem, layerShapes, type Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { readTensors, writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinySwin } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

const fixtures = join(import.meta.dirname, '../fixtures/teachers');
const config = {
  model_type: 'swin',
  image_size: 16,
  patch_size: 2,
  embed_dim: 4,
  depths: [2, 2],
  num_heads: [1, 2],
  num_layers: 2,
  window_size: 4,
  mlp_ratio: 2,
  hidden_size: 8,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-5,
  use_absolute_embeddings: false,
  qkv_bias: true,
  out_features: ['stage2'],
};

describe('checkpoint: Swin Transformers', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-swin-'));
    await mkdir(join(folder, 'beside'));
    await copyFile(
      join(fixtures, 'huggingface-swin.safetensors'),
      join(folder, 'beside', 'model.safetensors'),
    );
  });
  after(() => rm(folder, { recursive: true }));
  const beside = async (fields: object, options?: InspectOptions) => {
    await writeFile(join(folder, 'beside', 'config.json'), JSON.stringify({ ...config, ...fields }));
    return inspectCheckpoint(join(folder, 'beside'), options);
  };
  const fixture = (name: string, hints: InspectOptions['hints']) =>
    inspectCheckpoint(join(fixtures, `${name}.safetensors`), { hints });
  const told = { layerNormEpsilon: 1e-5, gelu: 'exact' } as const;

  it('are told whole by weights and a config of transformers, its defaults included', async () => {
    const expected: Architecture = {
      ...tinySwin,
      imageSize: 16,
      width: 8,
      depth: 4,
      heads: 2,
      hidden: 16,
      classes: 4,
      stages: [
        { depth: 2, width: 4, heads: 1, hidden: 8 },
        { depth: 2, width: 8, heads: 2, hidden: 16 },
      ],
      window: 4,
    };
    const { architecture, origin, notes } = await beside({});
    assert.deepEqual(architecture, expected);
    assert.deepEqual(notes, []);
    assert.equal(origin.heads, 'the file itself');
    const silent = await beside({ hidden_act: undefined, layer_norm_eps: undefined });
    assert.deepEqual(silent.architecture, expected);
  });

  it('are refused where the config says otherwise than the weights, field by field', async () => {
    const others = {
      embed_dim: 8,
      depths: [2, 4],
      num_heads: [2, 4],
      num_layers: 3,
      window_size: 8,
      mlp_ratio: 4,
      hidden_size: 16,
      patch_size: 4,
      use_absolute_embeddings: true,
      qkv_bias: false,
      layer_norm_eps: 1e-6,
      path_norm: false,
    };
    for (const [field, value] of Object.entries(others))
      await assert.rejects(beside({ [field]: value }), new RegExp(`config\\.json: ${field} `), field);
  });

  it('without a head answer with features where transformers saved its class without one', async () => {
    const all = await readTensors(join(fixtures, 'huggingface-swin.safetensors'));
    const bare = Object.entries(all.tensors).filter(([name]) => name.startsWith('swin.'));
    const bareFolder = join(folder, 'bare');
    await mkdir(bareFolder);
    await writeSafetensors(
      join(bareFolder, 'model.safetensors'),
      Object.fromEntries(bare.map(([name, tensor]) => [name.slice('swin.'.length), tensor])),
    );
    const save = (architectures: string[]) =>
      writeFile(join(bareFolder, 'config.json'), JSON.stringify({ ...config, architectures }));
    await save(['SwinModel']);
    const { answer, classes } = (await inspectCheckpoint(bareFolder)).architecture;
    assert.deepEqual([answer, classes], ['pooled', 8]);
    await save(['SwinForImageClassification']);
    await assert.rejects(inspectCheckpoint(bareFolder), /no head/);
  });

  it('are told by the arguments of timm’s config beside its name, each of which must agree', async () => {
    const own = join(folder, 'timm');
    await mkdir(own);
    await copyFile(join(fixtures, 'timm-swin.safetensors'), join(own, 'model.safetensors'));
    const inspected = async (fields: object) => {
      const model_args = {
        ...{ img_size: 16, patch_size: 2, embed_dim: 4, depths: [2, 2], num_heads: [1, 2] },
        ...{ window_size: 4, mlp_ratio: 2, qkv_bias: true, ...fields },
      };
      const timm = { architecture: 'swin_tiny_patch4_window7_224', model_args };
      await writeFile(join(own, 'config.json'), JSON.stringify(timm));
      return (await inspectCheckpoint(own)).architecture;
    };
    const { architecture } = await beside({});
    assert.deepEqual(await inspected({}), architecture);
    assert.deepEqual(await inspected({ window_size: [4, 4] }), architecture);
    await assert.rejects(
      inspected({ window_size: 7 }),
      /model_args\.window_size 7.*4, as the weights have it/s,
    );
    // As timm builds it: windows are no larger than the tokens, here 4 x 4.
    const document = {
      path: '',
      prefix: '',
      table: fieldTables.timmSwinArguments,
      fields: { window_size: 7 },
    };
    checkAgainstWeights(document, { ...tinySwin, window: 4, isClassTokenUnplaced: false }, []);
    for (const [field, value] of Object.entries({
      ...{ patch_size: 4, embed_dim: 8, depths: [2, 6], num_heads: [2, 4], window_size: [4, 2] },
      ...{ mlp_ratio: 4, qkv_bias: false, always_partition: true, head_dim: 3, global_pool: 'max' },
    })) {
      await assert.rejects(inspected({ [field]: value }), new RegExp(`model_args\\.${field} `), field);
    }
  });

  it('ask for the size of the images, and refuse one that windows or halvings do not divide', async () => {
    await assert.rejects(fixture('timm-swin', told), /nothing tells the size of the images.*imageSize/s);
    const sized = (imageSize: number) => fixture('timm-swin', { ...told, imageSize });
    await assert.rejects(sized(20), /10 rows of tokens in stage 0, which windows of 4 do not divide/);
    await assert.rejects(sized(24), /6 rows of tokens in stage 1, which windows of 4 do not divide/);
    await assert.rejects(sized(15), /patches of 2 do not divide/);
    await assert.rejects(
      fixture('timm-swin', { ...told, imageSize: [16, 32] }),
      /: images of 16 x 32 pixels: give squares$/m,
    );
    await assert.rejects(
      fixture('timm-swin', { ...told, imageSize: 16, heads: 4 }),
      /has stages of heads up to 2, and heads 4\n.*remove teacher\.hints\.heads/,
    );
    assert.equal((await sized(32)).architecture.imageSize, 32);
    for (const pool of ['class-token', 'max'] as const)
      await assert.rejects(
        fixture('timm-swin', { ...told, imageSize: 16, pool }),
        /a Swin, which has no class token and reads the mean/,
      );
  });

  it('of the second version are refused by that name', async () => {
    const path = join(folder, 'v2.safetensors');
    const one = { shape: [1], data: new Float32Array(1) };
    await writeSafetensors(path, {
      'patch_embed.proj.weight': { shape: [4, 3, 2, 2], data: new Float32Array(48) },
      'layers.0.blocks.0.attn.logit_scale': one,
      'layers.0.blocks.0.attn.cpb_mlp.0.weight': one,
      'head.weight': { shape: [2, 4], data: new Float32Array(8) },
    });
    await assert.rejects(inspectCheckpoint(path), /a Swin v2 \(cosine attention.*Swin v1 is read/s);
  });

  it('with windows that are no squares are refused by the size of their tables', async () => {
    const path = join(folder, 'window.safetensors');
    const weights = strongWeights(tinySwin);
    const table = { shape: [21, 2], data: new Float32Array(42) };
    await writeSafetensors(path, {
      'layers.0.blocks.0.attn.relative_position_bias_table': table,
      'layers.0.blocks.0.norm1.weight': present(weights['blocks.0.norm1.weight']),
      'layers.0.blocks.0.mlp.fc1.weight': present(weights['blocks.0.mlp.fc1.weight']),
    });
    await assert.rejects(
      inspectCheckpoint(path, { headless: true }),
      /21 relative positions in stage 0\n.*a square window/,
    );
  });

  it('have the published sizes by timm’s names', () => {
    const sizeOf = (name: string) => {
      const { facts } = present(namedArchitecture(name));
      const architecture: Architecture = { ...facts, channels: 3, classes: 1000 };
      assert.equal(familyProblem(architecture), undefined);
      assert.ok(layerShapes(architecture).every(({ keySize }) => keySize === 32));
      return modelCosts(architecture);
    };
    // Parameters as timm 1.0.29 counts them; operations as the paper's table 1 has them.
    for (const [name, params, billions] of [
      ['swin_tiny_patch4_window7_224', 28_288_354, '4.5'],
      ['swin_small_patch4_window7_224.ms_in1k', 49_606_258, '8.7'],
      ['swin_base_patch4_window7_224', 87_768_224, '15.4'],
      ['swin_base_patch4_window12_384', 87_903_584, '47.0'],
      ['swin_large_patch4_window12_384', 196_735_516, '103.8'],
      ['swin_t', 28_288_354, '4.5'],
      ['swin_s', 49_606_258, '8.7'],
      ['swin_b', 87_768_224, '15.4'],
    ] as const) {
      const { params: found, macs } = sizeOf(name);
      assert.equal(found, params, name);
      assert.ok(Math.abs(macs / 1e9 - Number(billions)) < 0.02 * Number(billions), `${name}: ${macs}`);
    }
    // As the presets of torchvision's weights say.
    for (const [name, resize] of [
      ['swin_t', 232],
      ['swin_s', 246],
      ['swin_b', 238],
    ] as const) {
      // prettier-ignore
      const { preprocessing } = present(namedArchitecture(name));
      assert.deepEqual([preprocessing?.resize, preprocessing?.interpolation], [resize, 'bicubic']);
    }
    for (const other of ['swin_s3_tiny_224', 'swinv2_tiny_window8_256', 'swin_huge_patch4_window7_224'])
      assert.equal(namedArchitecture(other), undefined);
  });

  it('are read from files of our own, and refused where these contradict themselves', async () => {
    const path = join(folder, 'own.safetensors');
    await writeTeacher(path, strongWeights(tinySwin), tinySwin);
    assert.deepEqual((await inspectCheckpoint(path)).architecture, tinySwin);
    await writeTeacher(path, strongWeights(tinySwin), { ...tinySwin, depth: 4 });
    await assert.rejects(inspectCheckpoint(path), /stages of 3 blocks together, and depth 4/);
    await writeTeacher(path, strongWeights(tinySwin), { ...tinySwin, window: 3 });
    await assert.rejects(inspectCheckpoint(path), /4 rows of tokens in stage 0, which windows of 3/);
  });
});
