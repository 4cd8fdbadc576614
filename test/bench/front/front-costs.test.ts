import assert from 'node:assert/strict';
import { dimensionsWithin, evenlyWithin, tokensWithin, unitsWithin } from '../../../bench/front/budgets.ts';
import { columnsOf, unitsAndTokens } from '../../../bench/front/columns.ts';
import { frontCosts } from '../../../bench/front/front-costs.ts';
import { modelCosts } from '../../../pipeline/model/costs.ts';
import { foldedArchitecture } from '../../../pipeline/slicing/folded-architecture.ts';
import { architectureOf } from '../../../pipeline/slicing/shape.ts';
import { roomy } from '../../slicing/models.ts';
import { present } from '../../support/present.ts';

/** ViT-Tiny/16 at 224 pixels. */
const tiny = {
  ...roomy,
  ...{ imageSize: 224, patchSize: 16, width: 192, heads: 3, depth: 12, hidden: 768, classes: 1000 },
};
const whole = modelCosts(tiny).macs;

describe('bench/front/front-costs', () => {
  it('are those of the model where nothing is merged, for ViTs and what is cut out of them', () => {
    const cut = architectureOf(tiny, { width: 192, keySize: 16, valueSize: 40, hidden: 256 });
    for (const architecture of [tiny, foldedArchitecture(tiny), cut]) {
      const { params, macs } = modelCosts(architecture);
      assert.deepEqual({ ...frontCosts(architecture), peakBytes: 0 }, { params, macs, peakBytes: 0 });
    }
  });

  it('count attention over the tokens that come in, the FFN over those that are left, and the matching', () => {
    // 197 tokens in, 16 fewer after the first attention of two layers, none in the second.
    const two = { ...tiny, depth: 2 };
    const layer = (tokens: number, left: number): number =>
      tokens * 4 * 192 ** 2 + 2 * tokens ** 2 * 192 + left * 2 * 192 * 768;
    const saved = 2 * layer(197, 197) - layer(197, 181) - layer(181, 181) - 99 * 98 * 64;
    const { macs, params } = frontCosts(two, [16, 0]);
    assert.equal(macs, modelCosts(two).macs - saved);
    assert.equal(params, modelCosts(two).params);
  });

  it('find the attention’s scores at the peak of ViT-Tiny, which no FFN unit is part of, and the units where they are many', () => {
    // The stream, queries, keys and values, and the scores of three heads.
    const attention = 4 * (197 * 192 + 3 * 197 * 192 + 3 * 197 ** 2);
    assert.equal(frontCosts(tiny).peakBytes, attention);
    assert.equal(frontCosts({ ...tiny, hidden: 384 }).peakBytes, attention);
    assert.equal(frontCosts({ ...tiny, hidden: 3072 }).peakBytes, 4 * 197 * (2 * 192 + 3072));
  });
});

describe('bench/front/budgets', () => {
  const target = modelCosts({ ...tiny, hidden: 384 }).macs;

  it('merge the fewest tokens that do', () => {
    const merged = present(tokensWithin(tiny, target));
    const total = merged.reduce((sum, r) => sum + r, 0);
    assert.ok(frontCosts(tiny, merged).macs <= target);
    const fewer = merged.map((r, layer) => (layer === (total - 1) % 12 ? r - 1 : r));
    assert.ok(frontCosts(tiny, fewer).macs > target, 'one token more would be too many');
    assert.deepEqual(tokensWithin(tiny, whole), new Array<number>(12).fill(0));
    assert.equal(tokensWithin(tiny, 0.05 * whole), undefined);
  });

  it('keep the most units and dimensions that do, or say that nothing does', () => {
    assert.equal(unitsWithin(tiny, target, 8), 384);
    assert.equal(unitsWithin(tiny, target - 1, 8), 376);
    assert.equal(unitsWithin(tiny, 0.4 * whole, 8), undefined);
    const folded = foldedArchitecture(tiny);
    const { keySize } = present(dimensionsWithin(folded, target));
    const macsAt = (size: number): number =>
      modelCosts(architectureOf(folded, { width: 192, keySize: size, valueSize: size, hidden: 768 })).macs;
    assert.ok(macsAt(keySize) <= target && macsAt(keySize + 1) > target);
    assert.equal(dimensionsWithin(folded, 0.5 * whole), undefined);
  });

  it('take about the same share of dimensions and units, and nearly all of the budget', () => {
    const folded = foldedArchitecture(tiny);
    const { keySize, valueSize, hidden } = present(evenlyWithin(folded, 0.6 * whole, 8));
    const shape = { width: 192, keySize, valueSize, hidden };
    const { macs } = modelCosts(architectureOf(folded, shape));
    assert.equal(keySize, valueSize);
    assert.ok(Math.abs(Math.log(((hidden / 768) * 64) / keySize)) < 0.03, `${hidden} units, keys ${keySize}`);
    assert.ok(macs <= 0.6 * whole && macs > 0.59 * whole);
  });

  it('divide the table by what models of those widths cost, and by shares, the mildest first', () => {
    const columns = columnsOf(tiny, [384, 232], [0.4, 0.9], 8);
    assert.deepEqual(
      columns.map(({ units }) => units),
      [624, 384, 232, undefined],
    );
    assert.ok(columns.every(({ share }, i) => i === 0 || share < columns[i - 1]!.share));
    const both = present(unitsAndTokens(tiny, columns[1]!, 8));
    assert.equal(both.units, 576);
    assert.ok(frontCosts({ ...tiny, hidden: 576 }, both.merged).macs <= columns[1]!.macs);
    assert.equal(unitsAndTokens(tiny, { macs: 0.01 * whole }, 8), undefined);
  });
});
