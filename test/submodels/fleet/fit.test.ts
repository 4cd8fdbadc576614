import fc from 'fast-check';
import assert from 'node:assert/strict';
import type { Device } from '../../../pipeline/submodels/fleet/device.ts';
import { macsLimit } from '../../../pipeline/submodels/fleet/device.ts';
import { fitExact } from '../../../pipeline/submodels/fleet/fit-exact.ts';
import { fitGreedy } from '../../../pipeline/submodels/fleet/fit-greedy.ts';
import { compareWorth, fitWorth } from '../../../pipeline/submodels/fleet/fit-worth.ts';
import type { FitTask, Fitted, FitWorth, Placement } from '../../../pipeline/submodels/fleet/fit.ts';
import type { Level } from '../../../pipeline/submodels/fleet/level.ts';
import { refuseFit } from '../../../pipeline/submodels/fleet/refuse-fit.ts';

const ladderOf = (macs: readonly number[]): Level[] =>
  macs.map((macs, i) => ({ level: 1 - i / 10, macs, sizeBytes: 3 * macs, memoryBytes: 3 * macs + 5 }));

const ladder = fc
  .uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 })
  .map((macs) => ladderOf(macs.sort((a, b) => b - a)));
const maybe = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: undefined });
const device = fc.record({
  memoryBytes: maybe(250),
  macs: maybe(80),
  macsPerSecond: maybe(5),
});
const task: fc.Arbitrary<FitTask> = fc.record({
  ladder,
  devices: fc
    .array(device, { minLength: 1, maxLength: 3 })
    .map((devices): Device[] => devices.map((device, i) => ({ name: `d${i}`, ...device }))),
  submodels: fc.integer({ min: 1, max: 4 }),
});

function isWithin({ devices }: FitTask, placements: readonly Placement[]): boolean {
  return devices.every((device, index) => {
    const own = placements.filter((placement) => placement.device === index).map(({ level }) => level);
    const sum = (key: 'macs' | 'memoryBytes') => own.reduce((total, level) => total + level[key], 0);
    return sum('memoryBytes') <= (device.memoryBytes ?? Infinity) && sum('macs') <= macsLimit(device).macs;
  });
}

/** The best worth of every way to give each sub-model a device and a level. */
function bruteForce(task: FitTask): FitWorth | undefined {
  const options = task.devices.flatMap((_, device) => task.ladder.map((level) => ({ device, level })));
  let best: FitWorth | undefined;
  for (let code = 0; code < options.length ** task.submodels; code++) {
    const placements = Array.from({ length: task.submodels }, (_, submodel) => ({
      submodel,
      ...options[Math.floor(code / options.length ** submodel) % options.length]!,
    }));
    if (!isWithin(task, placements)) continue;
    const worth = fitWorth(task, placements);
    if (best === undefined || compareWorth(worth, best) > 0) best = worth;
  }
  return best;
}

describe('submodels/fleet/fit', () => {
  it('exactly is what trying everything finds', () => {
    fc.assert(
      fc.property(task, (task) => {
        fc.pre((task.devices.length * task.ladder.length) ** task.submodels <= 1000);
        const fit = fitExact(task);
        const best = bruteForce(task);
        assert.equal(fit.fits, best !== undefined);
        if (fit.fits && best !== undefined) assert.equal(compareWorth(fit.worth, best), 0);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('exceeds no limit, places every sub-model, and greedily is never better than exactly', () => {
    fc.assert(
      fc.property(task, (task) => {
        const [greedy, exact] = [fitGreedy(task), fitExact(task)];
        assert.equal(greedy.fits, exact.fits);
        if (!greedy.fits || !exact.fits) return assert.deepEqual(greedy, exact);
        for (const { placements } of [greedy, exact]) {
          assert.ok(isWithin(task, placements));
          assert.deepEqual(
            placements.map(({ submodel }) => submodel),
            Array.from({ length: task.submodels }, (_, i) => i),
          );
        }
        assert.ok(compareWorth(greedy.worth, exact.worth) <= 0);
        assert.ok(exact.proven);
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('gives each of equal devices without limits one sub-model of the largest level', () => {
    const devices = Array.from({ length: 10 }, (_, i) => ({ name: `d${i}` }));
    for (const fit of [fitGreedy, fitExact]) {
      const { placements } = fit({ devices, submodels: 10, ladder: ladderOf([9, 4, 1]) }) as Fitted;
      assert.deepEqual(
        placements.map(({ device }) => device).sort((a, b) => a - b),
        Array.from({ length: 10 }, (_, i) => i),
      );
      assert.ok(placements.every(({ level }) => level.macs === 9));
    }
  });

  it('says the device, the limit and the numbers that stand in the way, in the unit of the limit', () => {
    const levels = ladderOf([20, 10]);
    const unfit = (device: Omit<Device, 'name'>) =>
      fitExact({
        devices: [{ name: 'wide' }, { name: 'pi', ...device }].slice(1),
        submodels: 2,
        ladder: levels,
      });
    const said = (device: Omit<Device, 'name'>) => {
      const fit = unfit(device);
      assert.ok(!fit.fits);
      const { limit, needed, available, hosted } = fit;
      return { limit, needed, available, hosted };
    };
    const memoryBytes = 2 ** 20;
    assert.deepEqual(said({ memoryBytes: 69 }), {
      limit: 'memoryMiB',
      needed: 70 / memoryBytes,
      available: 69 / memoryBytes,
      hosted: 1,
    });
    assert.deepEqual(said({ macs: 9 }), { limit: 'macs', needed: 10, available: 9, hosted: 0 });
    assert.deepEqual(said({ macs: 19, latencyMs: 1500, macsPerSecond: 10 }), {
      limit: 'latencyMs',
      needed: 2000,
      available: 1500,
      hosted: 1,
    });
    assert.deepEqual(said({ energyJ: 30, energyPerMacJ: 2 }), {
      limit: 'energyJ',
      needed: 40,
      available: 30,
      hosted: 1,
    });
    const fit = unfit({ macs: 9 });
    assert.ok(!fit.fits);
    assert.throws(
      () => refuseFit(fit, 'c.yaml:3:1'),
      /c\.yaml:3:1: 2 sub-models do not fit: .* room for 0; device pi stands in the way with macs: 9\n {2}expected: macs of at least 10 on pi/,
    );
  });

  it('is exact for ten sub-models on ten devices of three kinds within a second', function () {
    this.timeout(10_000);
    const levels = ladderOf([144, 121, 100, 81, 64, 49, 36, 25, 16, 9, 4, 1].map((n) => n * 1009));
    const devices = Array.from({ length: 10 }, (_, i) => ({
      name: `d${i}`,
      macs: [100e3, 250e3, 1e4][i % 3]!,
    }));
    const [exact, greedy] = [fitExact, fitGreedy].map((fit) =>
      fit({ devices, submodels: 10, ladder: levels }),
    );
    assert.ok(exact?.fits && exact.proven && greedy?.fits);
    assert.ok(compareWorth(exact.worth, greedy.worth) >= 0);
  });
});
