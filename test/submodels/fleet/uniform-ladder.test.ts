import assert from 'node:assert/strict';
import { namedArchitecture } from '../../../pipeline/checkpoint/architectures.ts';
import { modelCosts } from '../../../pipeline/model/costs.ts';
import { requireFalling } from '../../../pipeline/submodels/fleet/level.ts';
import { memoryBytesOf } from '../../../pipeline/submodels/fleet/memory-bytes.ts';
import { devicesOf } from '../../../pipeline/submodels/fleet/devices-of.ts';
import { devicesField } from '../../../pipeline/submodels/fleet/schema.ts';
import { uniformArchitecture } from '../../../pipeline/submodels/fleet/uniform-architecture.ts';
import { uniformLadder } from '../../../pipeline/submodels/fleet/uniform-ladder.ts';
import { tinyArchitecture, vitBase } from '../../support/checkpoints.ts';
import { present } from '../../support/present.ts';

const vitTiny = { ...vitBase, ...present(namedArchitecture('vit_tiny_patch16_224')).facts };

describe('submodels/fleet/uniform-ladder', () => {
  it('has ViT-B at 2/12 of every dimension at 34 times less than the whole with ten classes', () => {
    const small = uniformArchitecture(vitBase, 3, 2 / 12);
    assert.deepEqual([small.width, small.heads, small.hidden], [128, 2, 512]);
    const ratio = modelCosts({ ...vitBase, classes: 10 }).sizeBytes / modelCosts(small).sizeBytes;
    assert.ok(ratio > 34 && ratio < 35, `${ratio}`);
  });

  it('falls from the limit, and no level exceeds it', () => {
    for (const teacher of [vitBase, vitTiny, tinyArchitecture]) {
      for (const limit of [
        { macs: 1, size: 1 },
        { macs: 0.33, size: 1 },
        { macs: 1, size: 1 / 8 },
      ]) {
        const ladder = uniformLadder(teacher, 5, { limit });
        requireFalling(ladder);
        const { macs, sizeBytes } = modelCosts(teacher);
        for (const level of ladder) {
          assert.ok(level.macs <= limit.macs * macs && level.sizeBytes <= limit.size * sizeBytes);
        }
      }
    }
    const [top] = uniformLadder(vitTiny, 11, { limit: { macs: 0.33, size: 1 } });
    const share = present(top).macs / modelCosts(vitTiny).macs;
    assert.ok(share > 0.32, `the largest level has ${share} of the multiply-adds`);
    assert.equal(uniformLadder(vitBase, 10, { limit: { macs: 1, size: 1 } }).length, 12);
  });

  it('keeps three heads and narrows them where a share of the heads is no whole number', () => {
    const half = uniformArchitecture(vitTiny, 10, 0.5);
    assert.deepEqual(present(half.layers?.[0]), { heads: 3, keySize: 32, valueSize: 32, hidden: 384 });
  });

  it('refuses a limit below a single unit of everything', () => {
    assert.throws(
      () => uniformLadder(tinyArchitecture, 5, { limit: { macs: 1e-6, size: 1 } }),
      /submodel: at most/,
    );
  });

  it('counts the memory of weights and of the largest activations', () => {
    // 5 tokens, D 8, 2 heads of 4: stream 40, q k v 120, scores 50; normalised 40, hidden 60. Pixels 192 and stream 40.
    assert.equal(memoryBytesOf(tinyArchitecture), modelCosts(tinyArchitecture).sizeBytes + 4 * 232);
    const large = { ...tinyArchitecture, hidden: 100 };
    assert.equal(memoryBytesOf(large), modelCosts(large).sizeBytes + 4 * (40 + 40 + 500));
  });
});

describe('submodels/fleet/schema', () => {
  it('takes a number or a list, in bytes afterwards', () => {
    assert.deepEqual(devicesOf(devicesField.parse(2)), [{ name: 'device-00' }, { name: 'device-01' }]);
    assert.deepEqual(devicesOf(devicesField.parse([{ name: 'pi', memoryMiB: 2, macs: 5 }])), [
      { name: 'pi', macs: 5, memoryBytes: 2 ** 21 },
    ]);
  });

  it('refuses limits without their rates, names twice and names that are no folders', () => {
    for (const [devices, pattern] of [
      [[{ name: 'a', latencyMs: 5 }], /latencyMs needs macsPerSecond/],
      [[{ name: 'a', energyJ: 5 }], /energyJ needs energyPerMacJ/],
      [[{ name: 'a' }, { name: 'A' }], /a name of its own/],
      [[{ name: '../a' }], /expected letters/],
      [[{ name: 'Coordinator' }], /the package beside the devices/],
      [0, />=1/],
    ] as const) {
      assert.throws(() => devicesField.parse(devices), pattern);
    }
  });
});
