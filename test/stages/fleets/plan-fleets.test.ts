import assert from 'node:assert/strict';
import { modelCosts } from '../../../pipeline/model/costs.ts';
import { planFleets } from '../../../pipeline/stages/fleets/plan-fleets.ts';
import { planNotes } from '../../../pipeline/stages/fleets/notes.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { tinyCct, vitBase } from '../../support/checkpoints.ts';
import { present } from '../../support/present.ts';
import { planInput } from './plan-input.ts';

const teacher = modelCosts({ ...vitBase, classes: 10 });
const only = (config: object) => planFleets(planInput(config))[0]!;
const refusal = (config: object): string => {
  try {
    planFleets(planInput(config));
  } catch (error) {
    assert.ok(error instanceof BlockForgeError);
    assert.equal(error.failure.reason, 'config-invalid');
    return error.message;
  }
  throw new Error('the fleet was accepted');
};

describe('fleets as they are planned', () => {
  it('give every device of a number the same shares of the teacher', () => {
    const fleet = only({ devices: 5, submodel: { macs: 0.1, size: 0.05 } });
    assert.equal(fleet.name, '5-devices');
    assert.deepEqual(
      fleet.submodels.map(({ name, index, device }) => [name, index, device]),
      [0, 1, 2, 3, 4].map((i) => [`5-devices-0${i}`, i, `device-0${i}`]),
    );
    for (const { limits } of fleet.submodels) {
      assert.deepEqual(limits, { macs: 0.1 * teacher.macs, sizeBytes: 0.05 * teacher.sizeBytes });
    }
  });

  it('compare with one model of all devices and one of a single device, unless that is the teacher', () => {
    const small = only({ devices: 5, submodel: { macs: 0.1, size: 0.3 } }).baselines;
    assert.deepEqual(
      small.map(({ name, kind }) => [name, kind]),
      [
        ['5-devices-small-total', 'total'],
        ['5-devices-small-device', 'device'],
      ],
    );
    assert.ok(Math.abs(small[0]!.limits.macs / teacher.macs - 0.5) < 1e-12);
    assert.equal(small[0]!.limits.sizeBytes, teacher.sizeBytes);
    const large = { devices: 5, submodel: { macs: 0.25 } };
    assert.deepEqual(
      only(large).baselines.map(({ kind }) => kind),
      ['device'],
    );
    assert.match(planNotes(planInput(large)).join('\n'), /cost as much as the teacher/);
    assert.deepEqual(only({ ...large, baselines: [] }).baselines, []);
  });

  it('may be one device, or as many as there are classes, and no more', () => {
    const one = only({ devices: 1 });
    assert.equal(one.name, '1-device');
    assert.deepEqual([one.submodels.length, one.baselines.length], [1, 0]);
    assert.equal(only({ devices: 10 }).submodels.length, 10);
    const message = refusal({ devices: 11 });
    assert.match(message, /test\.yaml: devices of 11-devices/);
    assert.match(message, /11 devices for 10 classes/);
  });

  it('are fitted to what their devices have, and the plan says how, exactly and greedily', () => {
    const devices = [
      { name: 'small', memoryMiB: 40 },
      { name: 'large', memoryMiB: 400, macs: 5e9 },
    ];
    const input = planInput({ devices, submodel: { macs: 0.5 } });
    const [fleet] = planFleets(input);
    const limits = new Map(present(fleet).submodels.map((one) => [one.device, one.limits]));
    const [small, large] = [present(limits.get('small')), present(limits.get('large'))];
    assert.ok(small.sizeBytes < 40 * 2 ** 20);
    assert.ok(large.macs <= 5e9 && large.macs <= 0.5 * teacher.macs);
    const notes = planNotes(input).join('\n');
    assert.match(notes, /2-devices: exact fit, proven: smallest \d+ % of each dimension/);
    assert.match(notes, /2-devices: greedy fit, as published/);
  });

  it('are refused with the device and the limit that nothing fits', () => {
    const message = refusal({
      devices: [{ name: 'pi-kitchen', macs: 1000 }, { name: 'jetson' }].slice(0, 1),
    });
    assert.match(message, /test\.yaml: devices of 1-device/);
    assert.match(message, /pi-kitchen/);
    assert.match(message, /macs/);
  });

  it('are refused before anything runs where shares or devices leave less than any slice has', () => {
    const shares = refusal({ devices: 2, submodel: { macs: 1e-4 } });
    assert.match(shares, /test\.yaml: devices of 2-devices: the sub-model of device-00/);
    assert.match(shares, /raise submodel\.macs/);
    assert.match(refusal({ devices: 2, submodel: { size: 1e-4 } }), /a twelfth of every dimension/);
  });

  it('are refused for a teacher that nothing can be cut out of, and planned for a distilled DeiT with both its heads', () => {
    const devices = { devices: 2, submodel: { macs: 0.2 } };
    assert.throws(
      () => planFleets(planInput(devices, tinyCct)),
      /family cct.*cut out of: vit or deit.*method: blocks/s,
    );
    const architecture = { ...vitBase, classes: 10, family: 'deit' };
    const [fleet] = planFleets(planInput(devices, architecture));
    const { macs } = modelCosts(architecture);
    assert.ok(present(fleet).submodels.every(({ limits }) => limits.macs <= 0.2 * macs));
  });

  it('say which device is left without a sub-model, and why', () => {
    const devices = [{ name: 'tiny', memoryMiB: 0.01 }, { name: 'large' }];
    const [fleet] = planFleets(planInput({ devices, submodel: { macs: 0.2 } }));
    assert.deepEqual(
      present(fleet).submodels.map(({ device }) => device),
      ['large', 'large'],
    );
    assert.deepEqual(
      present(fleet).baselines.map(({ kind }) => kind),
      ['total'],
    );
    // What a device costs is all that it hosts.
    const three = only({ devices: [...devices, { name: 'larger' }], submodel: { macs: 0.2 } });
    const macs = three.submodels.map(({ limits }) => limits.macs);
    assert.deepEqual(
      three.baselines.map(({ kind, limits }) => [kind, limits.macs]),
      [
        ['total', macs[0]! + macs[1]! + macs[2]!],
        ['device', macs[0]! + macs[1]!],
      ],
    );
    assert.match(present(fleet).notes[0]!, /^device tiny gets no sub-model: the smallest needs memoryMiB of/);
  });

  it('may be several in one run, each with settings of its own', () => {
    const fleets = planFleets(
      planInput({
        fleets: [
          { devices: 2 },
          { name: 'narrow', devices: 2, submodel: { macs: 0.1 }, partition: { by: 'confused-apart' } },
        ],
        submodel: { macs: 0.2, size: 0.3 },
        partition: { by: 'confused-together' },
      }),
    );
    assert.deepEqual(
      fleets.map(({ name, partition }) => [name, partition.by]),
      [
        ['2-devices', 'confused-together'],
        ['narrow', 'confused-apart'],
      ],
    );
    assert.deepEqual(
      fleets.map(({ submodels }) => submodels[0]!.limits),
      [0.2, 0.1].map((macs) => ({ macs: macs * teacher.macs, sizeBytes: 0.3 * teacher.sizeBytes })),
    );
  });
});
