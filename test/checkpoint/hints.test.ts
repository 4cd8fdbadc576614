import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint, type ArchitectureHints } from '../../pipeline/checkpoint/inspect.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';

describe('checkpoint: hints beside what files say', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-hints-'));
    await writeSafetensors(join(folder, 'model.safetensors'), strongWeights(tinyArchitecture));
  });
  after(() => rm(folder, { recursive: true }));

  async function notesOf(config: object, hints: ArchitectureHints) {
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    return (await inspectCheckpoint(folder, { hints })).notes;
  }
  const vit = { model_type: 'vit', num_attention_heads: 2, image_size: 8 };
  const timm = {
    architecture: 'vit_own',
    global_pool: 'token',
    model_args: { num_heads: 2, act_layer: 'gelu', norm_layer: 'layernorm', global_pool: 'token' },
    pretrained_cfg: { input_size: [3, 8, 8] },
  };

  it('go before them, with a note where they differ', async () => {
    assert.deepEqual(
      await notesOf(vit, { heads: 4, layerNormEpsilon: 1e-6, gelu: 'tanh', pool: 'class-token' }),
      [
        'teacher.hints.heads 4 goes before config.json: 2',
        'teacher.hints.layerNormEpsilon 0.000001 goes before config.json, where transformers takes its default: 1e-12',
        'teacher.hints.gelu tanh goes before config.json, where transformers takes its default: exact',
      ],
    );
    assert.deepEqual(await notesOf(timm, { pool: 'mean' }), [
      'teacher.hints.pool mean goes before config.json: class-token',
    ]);
  });

  it('go without a word where they agree, or where nothing else tells it', async () => {
    assert.deepEqual(
      await notesOf(vit, { heads: 2, layerNormEpsilon: 1e-12, gelu: 'exact', pool: 'class-token' }),
      [],
    );
    assert.deepEqual(await notesOf(timm, { pool: 'class-token', heads: 2 }), []);
    const untold = { ...timm, model_args: { global_pool: 'token' } };
    assert.deepEqual(await notesOf(untold, { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact' }), []);
  });
});
