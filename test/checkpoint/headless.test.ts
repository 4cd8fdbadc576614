import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint, type InspectOptions } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher, writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { withoutHead, type Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { asHuggingface, strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const weights = strongWeights(tinyArchitecture);
const features = withoutHead(tinyArchitecture);
const headless = Object.fromEntries(Object.entries(weights).filter(([name]) => !name.startsWith('head.')));
const hints = { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact', imageSize: 8, pool: 'class-token' } as const;

describe('checkpoint: models without a head', () => {
  let folder: string;
  const path = () => join(folder, 'model.safetensors');
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-headless-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function inspected(tensors: NamedArrays, options: InspectOptions = {}) {
    await writeSafetensors(path(), tensors);
    return inspectCheckpoint(path(), { hints, ...options });
  }

  it('are read as features where the user says so, the head that there is left out', async () => {
    const bare = await inspected(headless, { headless: true });
    assert.deepEqual([bare.architecture, bare.notes], [features, []]);
    const cut = await inspected(weights, { headless: true });
    assert.deepEqual(cut.architecture, features);
    assert.deepEqual(cut.notes, ['left out: the head (head)']);
    assert.deepEqual(await readTeacher(cut), headless);
  });

  it('answer with a projection where the user says that the head is one', async () => {
    const found = await inspected(weights, { projects: true });
    assert.deepEqual(found.architecture, { ...tinyArchitecture, answer: 'projected' });
    assert.deepEqual(await readTeacher(found), weights);
    await assert.rejects(inspected(headless, { projects: true }), /no head/);
    await writeSafetensors(path(), asHuggingface(headless, ''));
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({
        model_type: 'vit',
        architectures: ['ViTModel'],
        num_attention_heads: 2,
        layer_norm_eps: 1e-6,
      }),
    );
    await assert.rejects(
      inspectCheckpoint(path(), { hints, projects: true }),
      /no head\n.*teacher\.head: none measures/s,
    );
  });

  it('are refused where nobody says so, with what may be said', async () => {
    await assert.rejects(
      inspected(headless),
      /no head: no tensor head\.weight.*teacher\.head: none measures features, teacher\.head: \{ train: true \} fits one/s,
    );
  });

  it('are taken for it where they are saved from a class that never has one', async () => {
    const config = (architectures: string[]) =>
      writeFile(
        join(folder, 'config.json'),
        JSON.stringify({ model_type: 'vit', architectures, num_attention_heads: 2, layer_norm_eps: 1e-6 }),
      );
    const base = asHuggingface(headless, '');
    await config(['ViTModel']);
    assert.deepEqual((await inspected(base)).architecture, features);
    await config(['ViTForImageClassification']);
    await assert.rejects(inspected(base), /no head/);
  });

  it('may have any number of classes in a config.json, and say with timm that there are none', async () => {
    const config = (num_classes: number) =>
      writeFile(
        join(folder, 'config.json'),
        JSON.stringify({
          architecture: 'vit_own',
          num_classes,
          num_features: 8,
          model_args: { num_heads: 2, act_layer: 'gelu', norm_layer: 'layernorm', global_pool: 'token' },
          pretrained_cfg: { input_size: [3, 8, 8], num_classes: 1000 },
        }),
      );
    await config(5);
    assert.deepEqual((await inspected(weights, { headless: true })).architecture, features);
    await config(0);
    assert.deepEqual((await inspected(headless)).architecture, features);
    assert.deepEqual((await inspected(headless, { headless: true })).architecture, features);
    await assert.rejects(inspected(weights), /num_classes 0.*5, as the weights have it/s);
  });

  it('of a Swin answer with the mean of its last stage', async () => {
    const swin: Architecture = {
      ...tinyArchitecture,
      family: 'swin',
      imageSize: 32,
      width: 16,
      depth: 2,
      heads: 4,
      hidden: 24,
      window: 4,
      stages: [
        { depth: 1, width: 8, heads: 2, hidden: 12 },
        { depth: 1, width: 16, heads: 4, hidden: 24 },
      ],
    };
    await writeTeacher(path(), strongWeights(swin), swin);
    const own = await inspectCheckpoint(path(), { headless: true });
    assert.deepEqual([own.architecture, own.notes], [withoutHead(swin), ['left out: the head (head)']]);
    const stored = join(import.meta.dirname, '../fixtures/teachers/timm-swin-older.safetensors');
    const told = { headless: true, hints: { imageSize: 16, layerNormEpsilon: 1e-5, gelu: 'exact' } } as const;
    const { architecture } = await inspectCheckpoint(stored, told);
    assert.deepEqual([architecture.answer, architecture.classes], ['pooled', architecture.width]);
  });

  it('of a distilled DeiT answer with both tokens', async () => {
    const deit: Architecture = { ...tinyArchitecture, family: 'deit' };
    const { architecture, notes } = await inspected(strongWeights(deit), { headless: true });
    assert.deepEqual(architecture, { ...deit, answer: 'pooled', classes: 16 });
    assert.match(notes[0]!, /head, head_dist/);
  });

  it('travel as teachers of our own, pooled or projected', async () => {
    const projected: Architecture = { ...tinyArchitecture, answer: 'projected' };
    for (const [architecture, own] of [
      [features, headless],
      [projected, weights],
    ] as const) {
      await writeTeacher(path(), own, architecture);
      const found = await inspectCheckpoint(path());
      assert.deepEqual([found.architecture, await readTeacher(found)], [architecture, own]);
    }
  });

  it('cost what is left', () => {
    const [with_, without] = [modelCosts(tinyArchitecture), modelCosts(features)];
    assert.deepEqual([with_.params - without.params, with_.macs - without.macs], [5 * 8 + 5, 5 * 8]);
  });
});

describeOnEachEngine('a model without a head', () => {
  it('answers with what its head would take', () => {
    const pixels = tf.randomNormal([3, 8, 8, 3], 0, 1, 'float32', 1);
    const [whole, bare] = [uploadTeacher(weights, tinyArchitecture), uploadTeacher(headless, features)];
    const expected = forward(whole, pixels, { capture: ['pooled'] });
    const found = forward(bare, pixels);
    assert.deepEqual([...found.logits.dataSync()], [...expected.features.pooled.dataSync()]);
    tf.dispose([pixels, expected.logits, expected.features, found.logits]);
    whole.dispose();
    bare.dispose();
  });
});
