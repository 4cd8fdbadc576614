import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  namedArchitecture,
  refusedArchitecture,
  refusedForm,
} from '../../pipeline/checkpoint/architectures.ts';
import { familyProblem } from '../../pipeline/model/architecture.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { readJson } from '../../pipeline/util/atomic.ts';
import { present } from '../support/present.ts';

/** As `test/fixtures/architectures/make.py` writes it. */
interface Model {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly hidden: number;
  readonly patchSize: number;
  readonly imageSize: number;
  readonly layerNormEpsilon: number;
  readonly gelu: string;
  readonly gated?: true;
  readonly distilled: boolean;
  readonly pool: 'token' | 'avg' | 'map';
  readonly fcNorm: boolean;
  readonly classToken: boolean;
  readonly registers: number;
  readonly normPre: boolean;
  readonly lastNorm: boolean;
  readonly rope: 'axial' | 'mixed' | null;
  readonly attentionPool?: { readonly heads: number; readonly hidden: number; readonly gelu: string };
  readonly relativePositions?: { readonly tables: number; readonly rows: number };
  /** Outputs of its published weights; 0: features. */
  readonly published: readonly number[];
  /** Of a Swin. */
  readonly stages?: readonly Readonly<Record<'depth' | 'width' | 'heads' | 'hidden', number>>[];
  readonly windows?: readonly number[];
  /** Modules that a pre-norm ViT does not have. */
  readonly odd?: readonly string[];
}

const families = /^(?:vit|deit3?|flexivit|beit|beitv2)_/;
const file = join(import.meta.dirname, '..', 'fixtures', 'architectures', 'timm.json');
const { models } = await readJson<{ models: Readonly<Record<string, Model>> }>(file);
const published = Object.entries(models).filter(([name]) => families.test(name));

describe('published names', () => {
  const understood = published.filter(([name]) => namedArchitecture(name) !== undefined);
  const refused = published.filter(([name]) => refusedArchitecture(name) !== undefined);

  it('are refused for their size where no form is the reason', () => {
    const name = 'vit_so400m_patch14_siglip_384';
    assert.match(present(refusedArchitecture(name)), /do not divide/);
    assert.equal(refusedForm(name), undefined);
    assert.equal(
      refusedForm('vit_pe_core_base_patch16_224'),
      refusedArchitecture('vit_pe_core_base_patch16_224'),
    );
  });

  it('are understood or refused, each of them', () => {
    const both = [...understood, ...refused].map(([name]) => name).sort();
    assert.deepEqual(both, published.map(([name]) => name).sort());
  });

  it('mean what timm builds by them', () => {
    assert.ok(understood.length > 100);
    for (const [name, model] of understood)
      assert.deepEqual(namedArchitecture(name)?.facts, factsOf(model), name);
  });

  it('are refused where timm builds what no pre-norm ViT has', () => {
    for (const [name, { odd }] of published)
      if (odd) assert.ok(refusedArchitecture(name), `${name}: ${odd.join()}`);
    for (const [name, model] of understood) assert.ok(model.lastNorm || model.fcNorm, name);
  });

  it('pool by attention as the blocks attend, where they do', () => {
    for (const [name, { attentionPool, heads, hidden, gelu }] of understood) {
      const { heads: h, hidden: H, gelu: g } = attentionPool ?? { heads, hidden, gelu };
      assert.deepEqual([h, H, g], [heads, hidden, gelu], name);
    }
  });

  it('have a row for every relative position in the table of each block, where they have tables', () => {
    const some = understood.filter(([, { relativePositions }]) => relativePositions !== undefined);
    assert.ok(some.length > 5);
    for (const [name, { relativePositions, heads, depth }] of some) {
      const { facts } = present(namedArchitecture(name));
      const shapes = Object.entries(canonicalShapes({ ...facts, channels: 3, classes: 1000 }));
      const tables = shapes.filter(([tensor]) => tensor.endsWith('relative_position_bias_table'));
      assert.deepEqual(relativePositions?.tables, depth, name);
      assert.deepEqual(tables.map(([, shape]) => shape), Array(depth).fill([relativePositions.rows, heads]), name); // prettier-ignore
    }
  });

  it('are of models that their family can be', () => {
    for (const [name] of understood) {
      const { facts } = present(namedArchitecture(name));
      assert.equal(familyProblem({ ...facts, channels: 3, classes: 1000 }), undefined, name);
    }
  });

  it('are without a classifier only where no weights of theirs have one', () => {
    const headless = understood.filter(([name]) => namedArchitecture(name)?.headless === true);
    assert.ok(headless.length > 40);
    // ImageNet-1k, -12k and -21k in its variants; CLIP's projections are 512 to 1,280 wide.
    const isClassifier = (outputs: number) => outputs === 1000 || outputs > 5000;
    for (const [name, { published: outputs }] of headless) assert.ok(!outputs.some(isClassifier), name);
    for (const [name, { published: outputs }] of understood)
      if (/_dinov|^vit_(?:base|large)_.*_siglip|_clip_quickgelu/.test(name) && outputs.length > 0)
        assert.ok(
          headless.some(([one]) => one === name),
          name,
        );
  });

  it('are refused for a reason that timm’s model has', () => {
    const reasons: readonly (readonly [RegExp, (model: Model) => boolean])[] = [
      [/^patches of/, ({ imageSize, patchSize }) => imageSize % patchSize !== 0],
      [/^rotary positions that are another/, ({ rope }) => rope === 'mixed'],
      [
        /^a pooling attention/,
        ({ attentionPool, heads }) => attentionPool !== undefined && attentionPool.heads !== heads,
      ],
      [/^no norm after the last block/, ({ lastNorm, fcNorm }) => !lastNorm && !fcNorm],
      [/./, ({ odd }) => odd !== undefined],
    ];
    for (const [name, model] of refused) {
      const why = present(refusedArchitecture(name));
      const [, has] = present(reasons.find(([pattern]) => pattern.test(why)));
      assert.ok(has(model), `${name}: ${why}`);
    }
  });

  it('of Swins mean what timm builds by them, or are refused for their windows', () => {
    const swins = Object.entries(models).filter(([name]) => name.startsWith('swin_'));
    for (const [name, model] of swins) {
      const { stages = [], windows = [] } = model;
      if (new Set(windows).size > 1) {
        assert.match(present(refusedArchitecture(name)), /windows of another size/);
        continue;
      }
      const { patchSize, imageSize, layerNormEpsilon, gelu } = model;
      const { width, heads, hidden } = present(stages.at(-1));
      assert.deepEqual(
        present(namedArchitecture(name), name).facts,
        {
          ...{ family: 'swin', patchSize, imageSize, layerNormEpsilon, gelu, stages, window: windows[0] },
          ...{ width, heads, hidden, depth: stages.reduce((sum, { depth }) => sum + depth, 0) },
        },
        name,
      );
    }
    assert.ok(swins.length > 5);
  });

  it('of nothing are neither', () => {
    for (const name of ['vit_nonsense_patch16_224', 'resnet50', 'vit_base', 'deit3_tiny_patch16_224']) {
      assert.equal(namedArchitecture(name), undefined);
      assert.equal(refusedArchitecture(name), undefined);
    }
  });
});

/** What the name must tell: timm's words in ours. */
function factsOf(model: Model): object {
  const { width, depth, heads, hidden, patchSize, imageSize, layerNormEpsilon, gelu } = model;
  const map = model.classToken || model.registers > 0 ? 'patch-attention' : 'attention';
  const pool = { token: undefined, avg: model.fcNorm ? 'mean' : 'normed-mean', map }[model.pool];
  return {
    ...{ width, depth, heads, hidden, patchSize, imageSize, layerNormEpsilon, gelu },
    ...(model.distilled && { family: 'deit' }),
    ...(pool && { pool }),
    ...(!model.classToken && { classToken: false }),
    ...(model.registers > 0 && { registers: model.registers }),
    ...(model.normPre && { normPre: true }),
    ...(model.gated && { gated: true }),
    ...(model.rope !== null && { rotary: true }),
    ...(model.relativePositions && { relativePositionBias: true }),
  };
}
