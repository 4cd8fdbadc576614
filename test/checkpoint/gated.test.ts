import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint, type InspectOptions } from '../../pipeline/checkpoint/inspect.ts';

const fixtures = join(import.meta.dirname, '../fixtures/teachers');
const dinov2 = { model_type: 'dinov2', num_attention_heads: 2, image_size: 8, hidden_act: 'gelu' };
/** Sizes that no published name means. */
const sizes = { embed_dim: 8, depth: 2, patch_size: 4, num_heads: 2 };
const timm = (model_args: object, architecture = 'vit_base_patch16_224') => ({
  architecture,
  global_pool: 'token',
  model_args: { ...sizes, ...model_args },
  pretrained_cfg: { input_size: [3, 8, 8] },
});

describe('checkpoint: gates and the files beside them', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-gated-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function beside(name: string, config: object, options: InspectOptions = {}) {
    await copyFile(join(fixtures, `${name}.safetensors`), join(folder, 'model.safetensors'));
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    return inspectCheckpoint(folder, options);
  }

  it('of DINOv2 have SiLU whatever hidden_act says, and use_swiglu_ffn must agree with them', async () => {
    for (const told of [{}, { use_swiglu_ffn: true }]) {
      const { architecture } = await beside('huggingface-dinov2-swiglu', { ...dinov2, ...told });
      assert.deepEqual([architecture.gated, architecture.gelu], [true, 'silu']);
    }
    assert.equal((await beside('huggingface-dinov2', dinov2)).architecture.gelu, 'exact');
    await assert.rejects(
      beside('huggingface-dinov2-swiglu', { ...dinov2, use_swiglu_ffn: false }),
      /use_swiglu_ffn false.*the tensor .*weights_in/s,
    );
    await assert.rejects(
      beside('huggingface-dinov2', { ...dinov2, use_swiglu_ffn: true }),
      /use_swiglu_ffn true.*no such tensor/s,
    );
  });

  it('have the activation of no architecture without gates that config.json names', async () => {
    await assert.rejects(
      beside('timm-swiglu', timm({})),
      /gated true\n.*gated as usual, which "vit_base.*teacher\.hints\.gelu/s,
    );
    const { architecture } = await beside('timm-swiglu', timm({}), { hints: { gelu: 'silu' } });
    assert.equal(architecture.gelu, 'silu');
    assert.equal((await beside('timm-swiglu', timm({ act_layer: 'gelu' }))).architecture.gelu, 'exact');
  });

  it('are told by swiglu_mlp of timm, packed or not, with their SiLU', async () => {
    for (const file of ['timm-swiglu', 'timm-swiglu-packed']) {
      const { architecture, notes } = await beside(file, timm({ swiglu_mlp: true }));
      assert.deepEqual([architecture.gelu, notes], ['silu', []]);
    }
    await assert.rejects(beside('timm-swiglu', timm({ swiglu_mlp: false })), /swiglu_mlp false/);
    await assert.rejects(
      beside('timm-max', timm({ swiglu_mlp: true }), { hints: { pool: 'max' } }),
      /swiglu_mlp true/,
    );
  });

  it('and registers are as many as config.json says', async () => {
    const registers = (count: number) => timm({ reg_tokens: count, no_embed_class: true, init_values: 0.1 });
    assert.equal((await beside('timm-registers', registers(3))).architecture.registers, 3);
    await assert.rejects(beside('timm-registers', registers(2)), /reg_tokens 2.*3, as the weights have it/s);
    const other = { ...dinov2, model_type: 'dinov2_with_registers', num_register_tokens: 4 };
    await assert.rejects(beside('huggingface-dinov2-registers', other), /num_register_tokens 4.*3, as the/s);
  });
});
