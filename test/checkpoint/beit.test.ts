import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import { inspectCheckpoint, type InspectOptions } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher, writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { withoutHead, type Architecture } from '../../pipeline/model/architecture.ts';
import { readTensors, writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { strongWeights } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

const fixtures = join(import.meta.dirname, '../fixtures/teachers');
const told = { layerNormEpsilon: 1e-5, gelu: 'exact' } as const;
const expected: Architecture = {
  imageSize: 12,
  patchSize: 4,
  channels: 3,
  width: 8,
  depth: 2,
  heads: 2,
  hidden: 16,
  classes: 4,
  layerNormEpsilon: 1e-5,
  gelu: 'exact',
  relativePositionBias: true,
  pool: 'mean',
};
/** As transformers writes it beside huggingface-beit. */
const config = {
  architectures: ['BeitForImageClassification'],
  model_type: 'beit',
  hidden_act: 'gelu',
  hidden_size: 8,
  image_size: 12,
  intermediate_size: 16,
  layer_norm_eps: 1e-5,
  layer_scale_init_value: 0.1,
  num_attention_heads: 2,
  num_channels: 3,
  num_hidden_layers: 2,
  patch_size: 4,
  use_absolute_position_embeddings: false,
  use_mask_token: true,
  use_mean_pooling: true,
  use_relative_position_bias: true,
  use_shared_relative_position_bias: false,
  vocab_size: 8192,
};
const timmConfig = {
  architecture: 'beit_own',
  global_pool: 'avg',
  model_args: { use_rel_pos_bias: true, use_abs_pos_emb: false, init_values: 0.1, norm_layer: 'layernorm' },
  pretrained_cfg: { input_size: [3, 12, 12], crop_pct: 0.9, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
};

describe('checkpoint: BEiT', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-beit-'));
  });
  after(() => rm(folder, { recursive: true }));

  const fixture = (name: string, hints: InspectOptions['hints'] = told, options?: InspectOptions) =>
    inspectCheckpoint(join(fixtures, `${name}.safetensors`), { hints, ...options });
  const beside = async (name: string, fields: object, options?: InspectOptions) => {
    const place = join(folder, name);
    await mkdir(place, { recursive: true });
    await copyFile(join(fixtures, `${name}.safetensors`), join(place, 'model.safetensors'));
    await writeFile(join(place, 'config.json'), JSON.stringify(fields));
    return inspectCheckpoint(place, options);
  };
  /** The tensors of a fixture, some of them changed, as another file. */
  const changed = async (
    name: string,
    change: (tensors: NamedArrays) => NamedArrays,
    hints: InspectOptions['hints'] = told,
  ) => {
    const { tensors } = await readTensors(join(fixtures, `${name}.safetensors`));
    const path = join(folder, `${name}-changed.safetensors`);
    await writeSafetensors(path, change(tensors));
    return inspectCheckpoint(path, { hints });
  };

  it('is told by its tables: heads, size of the images, and what is pooled', async () => {
    const { architecture, origin } = await fixture('timm-beit');
    assert.deepEqual(architecture, expected);
    assert.deepEqual([origin.heads, origin.pool], ['the file itself', 'the weights']);
    const { pool, ...token } = expected;
    assert.equal(pool, 'mean');
    assert.deepEqual((await fixture('timm-beit-token')).architecture, token);
    const wide = await fixture('timm-beit-rectangular', { ...told, imageSize: [8, 12] });
    assert.deepEqual(wide.architecture, { ...expected, imageSize: [8, 12] });
  });

  it('takes a copy of a table that is one for all blocks, and zeros for a bias of keys', async () => {
    const inspection = await fixture('timm-beit-shared');
    const weights = await readTeacher(inspection);
    const [first, second] = [0, 1].map((i) => weights[`blocks.${i}.attn.relative_position_bias_table`]);
    assert.deepEqual(first, second);
    assert.ok(first?.data.every((value) => value !== 0));
    const { data } = present((await readTeacher(await fixture('timm-beit')))['blocks.0.attn.qkv.bias']);
    assert.deepEqual([...data.slice(8, 16)], Array(8).fill(0));
    assert.ok([...data.slice(0, 8), ...data.slice(16)].every((value) => value !== 0));
  });

  it('is told whole by weights and a config of transformers, its defaults included', async () => {
    assert.deepEqual((await beside('huggingface-beit', config)).architecture, expected);
    const { use_mean_pooling, hidden_act, ...silent } = config;
    assert.deepEqual([use_mean_pooling, hidden_act], [true, 'gelu']);
    assert.deepEqual((await beside('huggingface-beit', silent)).architecture, expected);
    const data2vec = { ...config, model_type: 'data2vec-vision' };
    assert.deepEqual((await beside('huggingface-data2vec', data2vec)).architecture, expected);
    const backbone = { ...config, architectures: ['BeitModel'] };
    assert.deepEqual((await beside('huggingface-beit-backbone', backbone)).architecture, withoutHead(expected)); // prettier-ignore
    await assert.rejects(fixture('huggingface-beit-backbone'), /no head: no tensor .*teacher\.head: none/s);
  });

  it('is refused where the config says otherwise than the weights, field by field', async () => {
    const others = {
      hidden_size: 16,
      num_hidden_layers: 3,
      num_attention_heads: 4,
      intermediate_size: 8,
      image_size: 16,
      patch_size: 2,
      num_channels: 1,
      use_relative_position_bias: false,
      use_shared_relative_position_bias: true,
      use_absolute_position_embeddings: true,
      use_mean_pooling: false,
      layer_scale_init_value: 0,
      window_size: 3,
    };
    for (const [field, value] of Object.entries(others))
      await assert.rejects(beside('huggingface-beit', { ...config, [field]: value }), new RegExp(`${field} `), field); // prettier-ignore
    await beside('huggingface-beit-shared', { ...config, use_relative_position_bias: false, use_shared_relative_position_bias: true, use_absolute_position_embeddings: true }); // prettier-ignore
  });

  it('is told by a config of timm, and refused where it says otherwise than the weights', async () => {
    const named = { ...told, heads: 2 };
    const { architecture, preprocessing } = await beside('timm-beit', timmConfig, {
      hints: { gelu: 'exact' },
    });
    assert.deepEqual(architecture, { ...expected, layerNormEpsilon: 1e-6 });
    assert.equal(preprocessing?.resize, 13);
    const { model_args } = timmConfig;
    const others = { use_rel_pos_bias: false, use_abs_pos_emb: true, use_shared_rel_pos_bias: true, qkv_bias: false, init_values: 0, swiglu_mlp: true }; // prettier-ignore
    for (const [field, value] of Object.entries(others)) {
      const other = { ...timmConfig, model_args: { ...model_args, [field]: value } };
      await assert.rejects(beside('timm-beit', other, { hints: named }), new RegExp(`model_args.${field} `));
    }
  });

  it('is refused for images of another size, for two kinds of tables, and for tables of some blocks', async () => {
    await assert.rejects(
      fixture('timm-beit', { ...told, imageSize: 16 }),
      /imageSize: 16.*12, the size of the checkpoint's positions \(they are not interpolated\)/s,
    );
    await assert.rejects(
      fixture('timm-beit-rectangular'),
      /relative positions of shape \[18, 2\] \(blocks\.0\.attn\.relative_position_bias_table\).*imageSize: \[height, width\]/s,
    );
    await assert.rejects(fixture('timm-beit', { ...told, heads: 4 }), /\[28, 2\] instead of \[28, 4\]/);
    const table = 'blocks.0.attn.relative_position_bias_table';
    await assert.rejects(
      changed('timm-beit', (all) => ({ ...all, [`rel_pos_bias.${table.slice(14)}`]: present(all[table]) })),
      /a table of relative positions for each block and one for all/,
    );
    await assert.rejects(
      changed('timm-beit', ({ [table.replace('0', '1')]: _, ...others }) => others),
      /missing blocks\.1\.attn\.relative_position_bias_table/,
    );
  });

  it('of transformers is refused for images that are no squares, whose tables and positions it resamples', async () => {
    const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
    const wide = { ...told, heads: 2, imageSize: [8, 12] } as const;
    for (const [name, ending, tensor] of [
      ['huggingface-beit', 'bias_table', zeros(3 * 5 + 3, 2)],
      ['huggingface-beit-positions', 'position_embeddings', zeros(1, 7, 8)],
    ] as const) {
      const resampled = changed(
        name,
        (all) =>
          Object.fromEntries(
            Object.entries(all).map(([one, own]) => [one, one.endsWith(ending) ? tensor : own]),
          ),
        wide,
      );
      await assert.rejects(
        resampled,
        /2 x 3 patches, of which transformers' BEiT resamples tables and positions/,
      );
    }
  });

  it('of masked pre-training is refused by that name', async () => {
    const pretrained = changed('huggingface-beit-token', (all) => {
      const named = Object.entries(all).map(([name, tensor]) => [name.replace(/^beit\.layernorm/, 'layernorm').replace('classifier', 'lm_head'), tensor]); // prettier-ignore
      return Object.fromEntries(named) as NamedArrays;
    });
    await assert.rejects(pretrained, /masked pre-training \(transformers' BeitForMaskedImageModeling\)/);
  });

  it('without any positions is refused', async () => {
    const bare = changed('huggingface-beit-positions', (all) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => !name.endsWith('position_embeddings'))),
    );
    await assert.rejects(bare, /no tensor beit\.embeddings\.position_embeddings/);
  });

  it('is prepared for by its published names', () => {
    const preparationOf = (name: string) => namedArchitecture(name)?.preprocessing;
    for (const name of [
      'beit_base_patch16_224',
      'beit_large_patch16_224.in22k_ft_in22k',
      'beit_base_patch16_224_in22k',
    ])
      // prettier-ignore
      assert.deepEqual([preparationOf(name)?.resize, preparationOf(name)?.mean], [248, [0.5, 0.5, 0.5]]);
    assert.equal(preparationOf('beit_large_patch16_512')?.resize, 512);
    assert.deepEqual(preparationOf('beitv2_base_patch16_224')?.std, [0.229, 0.224, 0.225]);
    assert.equal(preparationOf('beitv2_large_patch16_224')?.resize, 235);
    for (const other of ['beit3_base_patch16_224', 'eva_large_patch14_196', 'beit_huge_patch14_224'])
      assert.equal(namedArchitecture(other), undefined);
  });

  it('is read from files of our own', async () => {
    const path = join(folder, 'own.safetensors');
    await writeTeacher(path, strongWeights(expected), expected);
    const inspection = await inspectCheckpoint(path);
    assert.deepEqual([inspection.architecture, inspection.notes], [expected, []]);
    assert.deepEqual(await readTeacher(inspection), strongWeights(expected));
    await writeTeacher(path, strongWeights(expected), { ...expected, registers: 2 });
    await assert.rejects(inspectCheckpoint(path), /not a class token alone before its patches/);
  });
});
