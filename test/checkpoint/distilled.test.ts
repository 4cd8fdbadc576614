import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import { inspectCheckpoint, type InspectOptions } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher, writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { featureWidth, tokensPerImage, type Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture, vitBase } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

const tiny: Architecture = { ...tinyArchitecture, family: 'deit' };
const weights = strongWeights(tiny);
const hints = { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact' } as const;

describe('checkpoint: distilled DeiTs', () => {
  let folder: string;
  const path = () => join(folder, 'model.safetensors');
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-distilled-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function inspected(tensors: NamedArrays, options: InspectOptions = { hints }) {
    await writeSafetensors(path(), tensors);
    return inspectCheckpoint(path(), options);
  }

  it('are told from plain ones by their second token and head, wherever the model lies', async () => {
    const { architecture, notes } = await inspected(weights);
    assert.deepEqual(architecture, tiny);
    assert.deepEqual(notes.length, 1, 'only the size is assumed');
    const below = Object.fromEntries(Object.entries(weights).map(([name, x]) => [`module.${name}`, x]));
    const wrapped = await inspected(below);
    assert.deepEqual(wrapped.architecture, tiny);
    assert.deepEqual(await readTeacher(wrapped), weights);
  });

  it('are read for one head alone, and then need no other', async () => {
    for (const [reads, name] of [
      ['class', 'head'],
      ['distillation', 'head_dist'],
    ] as const) {
      const found = await inspected(weights, { hints: { ...hints, reads } });
      assert.deepEqual(found.architecture, { ...tiny, reads });
      const read = await readTeacher(found);
      assert.deepEqual(read['head.weight'], weights[`${name}.weight`]);
      assert.equal(read['head_dist.weight'], undefined);
    }
    const single = Object.fromEntries(Object.entries(weights).filter(([name]) => !/^head_dist/.test(name)));
    const found = await inspected(single, { hints: { ...hints, reads: 'class' } });
    assert.deepEqual(found.architecture, { ...tiny, reads: 'class' });
  });

  it('alone read one of two tokens, and a file of our own says itself which', async () => {
    const told = (reads: 'class' | 'distillation') => ({ hints: { ...hints, reads } });
    await assert.rejects(
      inspected(strongWeights(tinyArchitecture), told('distillation')),
      /^BlockForgeError: teacher\.hints\.reads: "distillation"\n.*has no distillation token/,
    );
    await assert.rejects(
      inspected(strongWeights(tinyArchitecture), told('class')),
      /has no distillation token/,
    );
    const single: Architecture = { ...tiny, reads: 'distillation' };
    await writeTeacher(path(), strongWeights(single), single);
    await assert.rejects(inspectCheckpoint(path(), told('class')), /says itself that it reads distillation/);
    assert.deepEqual((await inspectCheckpoint(path(), told('distillation'))).architecture, single);
  });

  it('travel as teachers of our own', async () => {
    await writeTeacher(path(), weights, tiny);
    const found = await inspectCheckpoint(path());
    assert.deepEqual([found.architecture, await readTeacher(found)], [tiny, weights]);
  });

  it('are refused with a pool, and under the name of a plain model', async () => {
    await assert.rejects(
      inspected(weights, { hints: { ...hints, pool: 'mean' } }),
      /family deit whose head reads the mean.*read their own tokens/s,
    );
    await assert.rejects(
      inspected(weights, { architectureName: 'deit_tiny_patch16_224' }),
      /family deit, width 8.*family vit, width 192/s,
    );
  });

  it('are known by timm’s names, with ImageNet’s statistics', () => {
    for (const [size, pixels, resize, width, heads] of [
      ['tiny', 224, 248, 192, 3],
      ['small', 224, 248, 384, 6],
      ['base', 224, 248, 768, 12],
      ['base', 384, 384, 768, 12],
    ] as const) {
      const name = `deit_${size}_distilled_patch16_${pixels}`;
      for (const named of [name, `${name}.fb_in1k`].map((one) => present(namedArchitecture(one)))) {
        const { facts, preprocessing } = named;
        assert.deepEqual(
          [facts.family, facts.width, facts.heads, facts.hidden, facts.depth, facts.patchSize],
          ['deit', width, heads, 4 * width, 12, 16],
        );
        assert.equal(facts.imageSize, pixels);
        assert.deepEqual(preprocessing, {
          resize,
          resizeMode: 'shortest',
          interpolation: 'bicubic',
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        });
      }
    }
  });

  it('cost a token, its position and a head more than a plain model', () => {
    const architecture = { ...vitBase, family: 'deit' };
    // timm 1.0.29: sum(p.numel()) of deit_base_distilled_patch16_224.
    assert.equal(modelCosts(architecture).params, 87_338_192);
    assert.equal(tokensPerImage(architecture), 198);
    assert.equal(featureWidth(architecture), 2 * 768);
    const { macs } = modelCosts(vitBase);
    const more = 12 * (12 * 768 ** 2 + 2 * 768 * (198 ** 2 - 197 ** 2)) + 768 * 1000;
    assert.equal(modelCosts(architecture).macs, macs + more);
  });
});
