import assert from 'node:assert/strict';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { searchShape, uniformShape, type ShapeOptions } from '../../pipeline/slicing/search-shape.ts';
import { architectureOf, type ModelShape } from '../../pipeline/slicing/shape.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { tinyArchitecture } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

const whole: Architecture = { ...tinyArchitecture, width: 192, heads: 3, hidden: 768, depth: 2 };
const costs = modelCosts(whole);
const options = (share: number, more: Partial<ShapeOptions> = {}): ShapeOptions => ({
  whole,
  classes: 3,
  limits: { macs: share * costs.macs, sizeBytes: share * costs.sizeBytes },
  multiple: 8,
  ...more,
});
const unlimited = { macs: Infinity, sizeBytes: Infinity };

/** Separable and convex, least at the target. */
const towards =
  (target: Partial<ModelShape>) =>
  (shape: ModelShape): Promise<number> =>
    Promise.resolve(
      Object.entries(target).reduce((sum, [axis, value]) => {
        const found = shape[axis as keyof ModelShape];
        return sum + (Math.log(found) - Math.log(value)) ** 2;
      }, 0),
    );

describe('slicing/search-shape', () => {
  it('finds the optimum of a separable convex cost on the grid', async () => {
    // Shares 3/8, 1/8 and 5/8 of 192, 64 and 64.
    const target = { width: 72, keySize: 8, valueSize: 40 };
    const { shape } = await searchShape(options(1, { limits: unlimited }), 1000, towards(target));
    assert.deepEqual(shape, { ...target, hidden: 768 });
  });

  it('finds it across shares that round to the same extent', async () => {
    const small: Architecture = { ...tinyArchitecture, width: 16, heads: 2, hidden: 16 };
    const target = { width: 8, keySize: 3, valueSize: 1 };
    const search = options(1, { whole: small, limits: unlimited });
    const { shape } = await searchShape(search, 1000, towards(target));
    assert.deepEqual(shape, { ...target, hidden: 16 });
  });

  it('measures nothing beyond the limits, nothing twice, and ends at the best that it measured', async () => {
    for (const share of [0.15, 0.33, 0.6]) {
      const search = options(share);
      const cost = towards({ width: 96, keySize: 12, valueSize: 24, hidden: 256 });
      const { shape, measured } = await searchShape(search, 1000, cost);
      for (const one of measured) {
        const { macs, sizeBytes } = modelCosts(architectureOf(whole, one.shape, 3));
        assert.ok(macs <= search.limits.macs && sizeBytes <= search.limits.sizeBytes);
        const wider = architectureOf(whole, { ...one.shape, hidden: one.shape.hidden + 8 }, 3);
        const more = modelCosts(wider);
        assert.ok(
          more.macs > search.limits.macs ||
            more.sizeBytes > search.limits.sizeBytes ||
            one.shape.hidden === 768,
        );
      }
      assert.equal(new Set(measured.map((one) => JSON.stringify(one.shape))).size, measured.length);
      const best = measured.reduce((a, b) => (b.kl < a.kl ? b : a));
      assert.deepEqual(shape, best.shape);
      assert.deepEqual(measured[0]!.shape, uniformShape(search));
    }
  });

  it('measures at most so many shapes; with one it is uniform scaling', async () => {
    const search = options(0.33);
    const cost = towards({ width: 24, keySize: 64, valueSize: 5 });
    for (const most of [1, 2, 5, 12]) {
      const { shape, measured } = await searchShape(search, most, cost);
      assert.equal(measured.length, most);
      if (most === 1) assert.deepEqual(shape, uniformShape(search));
    }
  });

  it('tries after uniform scaling a stream half-way to the whole one, with even shares of heads and FFN', async () => {
    const search = options(0.33);
    const { measured } = await searchShape(search, 8, towards({ width: 8 }));
    const [uniform, middle, second] = measured.map(({ shape }) => shape);
    assert.deepEqual(uniform, uniformShape(search));
    for (const wider of [present(middle), present(second)]) {
      assert.ok(wider.width > present(uniform).width && wider.keySize === wider.valueSize);
      const uneven = wider.hidden / 768 / (wider.keySize / 64);
      assert.ok(uneven > 0.7 && uneven < 1.4, `${uneven}`);
    }
    const halfWay = Math.sqrt(present(uniform).width * 192);
    const off = (shape: ModelShape | undefined): number => Math.abs(Math.log(present(shape).width / halfWay));
    assert.ok(off(middle) < 0.15 && off(middle) <= off(second));
  });

  it('finds a wide stream with few shapes, where a descent from uniform scaling would not be there yet', async () => {
    const { shape, measured } = await searchShape(options(0.15), 6, towards({ width: 168, hidden: 100 }));
    assert.equal(measured.length, 6);
    assert.ok(shape.width > 1.5 * present(measured[0]).shape.width);
  });

  it('scales uniformly to the largest share that fits, the FFN to about the same', () => {
    assert.deepEqual(uniformShape(options(1)), { width: 192, keySize: 64, valueSize: 64, hidden: 768 });
    const { width, keySize, valueSize, hidden } = uniformShape(options(0.33));
    assert.equal(keySize, valueSize);
    assert.equal(keySize / 64, width / 192);
    assert.ok(hidden / 768 >= 0.8 * (width / 192) && hidden % 8 === 0);
  });

  it('leaves a start that computes no numbers for any that does', async () => {
    const search = options(0.33);
    const start = uniformShape(search);
    const { shape, measured } = await searchShape(search, 1000, (one) =>
      Promise.resolve(one.width === start.width ? NaN : 1 / one.width),
    );
    assert.equal(shape.width, Math.max(...measured.map((one) => one.shape.width)));
    assert.ok(shape.width > start.width);
  });

  it('refuses a budget that nothing fits into and says what to raise', async () => {
    const refused = (error: unknown): boolean => {
      assert.ok(error instanceof BlockForgeError);
      assert.equal(error.failure.reason, 'config-invalid');
      assert.match(error.message, /twelfth/);
      assert.match(error.message, /raise submodel\.macs and submodel\.size/);
      return true;
    };
    const search = options(0.001);
    assert.throws(() => uniformShape(search), refused);
    await assert.rejects(
      searchShape(search, 3, () => assert.fail('nothing is measured')),
      refused,
    );
  });
});
