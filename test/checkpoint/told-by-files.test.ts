import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import { inspectCheckpoint, type ArchitectureHints } from '../../pipeline/checkpoint/inspect.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';

const processor = { image_processor_type: 'ViTImageProcessor', size: 8, resample: 2 };

describe('what files tell as their own libraries read them', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-told-'));
    await writeSafetensors(join(folder, 'model.safetensors'), strongWeights(tinyArchitecture));
  });
  after(() => rm(folder, { recursive: true }));

  async function inspected(config: object, fields: object = processor, hints: ArchitectureHints = {}) {
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(fields));
    return inspectCheckpoint(folder, { hints });
  }
  const vit = { model_type: 'vit', num_attention_heads: 2, image_size: 8 };

  it('a switch of a processor that is null is off, and null for a value that counts is refused', async () => {
    for (const flag of ['do_rescale', 'do_normalize', 'do_center_crop']) {
      const off = await inspected(vit, { ...processor, [flag]: false });
      assert.ok(off.preprocessing, flag);
      assert.deepEqual(
        (await inspected(vit, { ...processor, [flag]: null })).preprocessing,
        off.preprocessing,
      );
    }
    for (const [flag, field] of [
      ['do_resize', 'resample'],
      ['do_rescale', 'rescale_factor'],
      ['do_normalize', 'image_mean'],
    ] as const) {
      const { preprocessingProblem } = await inspected(vit, { ...processor, [field]: null });
      assert.equal(preprocessingProblem?.found, `${field} null`);
      const beside = await inspected(vit, { ...processor, do_center_crop: true, crop_size: 8, [flag]: false, [field]: null }); // prettier-ignore
      assert.equal(beside.preprocessingProblem, undefined, field);
    }
  });

  it('images of any size are no input, and no advice leaves out what says how they are prepared', async () => {
    for (const fields of [{ do_resize: false }, { do_resize: null }, { size: 16 }]) {
      const { preprocessingProblem } = await inspected(vit, { ...processor, ...fields });
      assert.ok(preprocessingProblem, JSON.stringify(fields));
      assert.equal(preprocessingProblem.next, 'correct the file');
    }
  });

  it('a config without its defaults has those of ViTConfig, and says so', async () => {
    const wide = { ...tinyArchitecture, width: 24 };
    await writeSafetensors(join(folder, 'model.safetensors'), strongWeights(wide));
    const { architecture, origin } = await inspected({ model_type: 'vit', image_size: 8 });
    await writeSafetensors(join(folder, 'model.safetensors'), strongWeights(tinyArchitecture));
    assert.deepEqual(
      [architecture.heads, architecture.layerNormEpsilon, architecture.gelu],
      [12, 1e-12, 'exact'],
    );
    assert.equal(origin.heads, 'config.json, where transformers takes its default');
    await assert.rejects(
      inspected({ ...vit, hidden_act: null }),
      /do not tell gelu\n.*a config\.json that tells it/s,
    );
    await assert.rejects(inspected({ ...vit, model_type: 'vit_msn' }), (error: Error) => {
      assert.match(error.message, /model_type "vit_msn"/);
      assert.match(error.message, /"dinov2".*take config\.json away from the weights/s);
      assert.doesNotMatch(error.message, /ignoreFields/);
      return true;
    });
    // Its other fields are those of the other model: not they are the reason.
    const swinv2 = {
      ...vit,
      model_type: 'swinv2',
      depths: [2, 2],
      embed_dim: 8,
      use_absolute_embeddings: false,
    };
    await assert.rejects(inspected(swinv2), /model_type "swinv2"/);
    await assert.rejects(inspected({ ...vit, image_size: 10 }), (error: Error) => {
      assert.match(error.message, /image_size 10, of which the patches cover 8/);
      assert.doesNotMatch(error.message, /ignoreFields/);
      return true;
    });
  });

  it('a pool that timm would not build the model with is asked for', async () => {
    const model_args = { num_heads: 2, act_layer: 'gelu', norm_layer: 'layernormfp32' };
    const timm = { architecture: 'vit_own', global_pool: 'avg', model_args };
    const sized = { ...processor, size: 8 };
    await assert.rejects(inspected(timm, sized), /global_pool "avg" beside the model.*teacher\.hints\.pool/s);
    const told = await inspected(timm, sized, { pool: 'mean' });
    assert.equal(told.architecture.pool, 'normed-mean');
    assert.equal(told.architecture.layerNormEpsilon, 1e-6);
    const args = await inspected({ ...timm, model_args: { ...model_args, global_pool: 'avg' } }, sized);
    assert.equal(args.architecture.pool, 'normed-mean');
  });

  it('knows the plain models of timm by name, and none that timm does not have', () => {
    for (const [name, ...sizes] of [
      ['deit3_medium_patch16_224.fb_in1k', 512, 12, 8, 2048, 16, 224],
      ['deit3_huge_patch14_224', 1280, 32, 16, 5120, 14, 224],
      ['flexivit_large.600ep_in1k', 1024, 24, 16, 4096, 16, 240],
      ['vit_base_patch14_dinov2', 768, 12, 12, 3072, 14, 518],
      ['vit_base_patch16_224_miil', 768, 12, 12, 3072, 16, 224],
      ['vit_base_patch16_plus_240', 896, 12, 14, 3584, 16, 240],
      ['vit_giant_patch14_224', 1408, 40, 16, 6144, 14, 224],
      ['vit_gigantic_patch14_224', 1664, 48, 16, 8192, 14, 224],
      ['vit_small_patch16_36x1_224', 384, 36, 6, 1536, 16, 224],
    ] as const) {
      const named = namedArchitecture(name);
      assert.ok(named, name);
      const { width, depth, heads, hidden, patchSize, imageSize, layerNormEpsilon, gelu } = named.facts;
      assert.deepEqual([width, depth, heads, hidden, patchSize, imageSize], sizes, name);
      assert.deepEqual([layerNormEpsilon, gelu], [1e-6, 'exact']);
    }
    for (const name of [
      'deit3_tiny_patch16_224',
      'deit3_base_distilled_patch16_224',
      'vit_small_patch16_18x2_224',
    ])
      assert.equal(namedArchitecture(name), undefined, name);
  });
});
