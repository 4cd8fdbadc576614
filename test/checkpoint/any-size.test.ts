import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint, type ArchitectureHints } from '../../pipeline/checkpoint/inspect.ts';

const fixtures = join(import.meta.dirname, '../fixtures/teachers');
const heads = { num_attention_heads: 2, layer_norm_eps: 1e-5 };

describe('checkpoint: models for images of any size', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-any-size-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function sizeOf(fixture: string, config: object, hints?: ArchitectureHints) {
    await copyFile(join(fixtures, `${fixture}.safetensors`), join(folder, 'model.safetensors'));
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    return (await inspectCheckpoint(folder, { hints, headless: true })).architecture.imageSize;
  }

  it('take that of the hints before that of config.json', async () => {
    const dinov3 = { model_type: 'dinov3_vit', image_size: 224, patch_size: 4, hidden_act: 'silu', ...heads };
    assert.equal(await sizeOf('huggingface-dinov3', dinov3), 224);
    assert.equal(await sizeOf('huggingface-dinov3', dinov3, { imageSize: 16 }), 16);
    assert.deepEqual(await sizeOf('huggingface-dinov3', dinov3, { imageSize: [12, 20] }), [12, 20]);
    const swin = { model_type: 'swin', image_size: 32, patch_size: 2 };
    assert.equal(await sizeOf('huggingface-swin', swin, { imageSize: 16 }), 16);
    const timm = {
      architecture: 'swin_own',
      model_args: { img_size: 32, patch_size: 2, depths: [2, 2], num_heads: [1, 2] },
    };
    const told = { layerNormEpsilon: 1e-5, gelu: 'exact', imageSize: 16 } as const;
    assert.equal(await sizeOf('timm-swin', timm, told), 16);
  });

  it('are not those whose positions the weights have', async () => {
    const vit = { model_type: 'vit', image_size: 16, ...heads };
    await assert.rejects(
      sizeOf('huggingface', vit, { heads: 3, imageSize: 8 }),
      /image_size 16.*8, whose positions the weights have/s,
    );
  });
});
