import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { pixels, madeUpDevice, startRig, until, type Rig } from './rig.ts';
import { sha256 } from '../../pipeline/util/hash.ts';

describe('connecting to a fleet', () => {
  let rig: Rig;
  afterEach(() => rig.close());

  it('refuses a device with another package by its name', async () => {
    rig = await startRig(2);
    const addresses = new Map([
      ['d0', rig.address(1)],
      ['d1', rig.address(1)],
    ]);
    await assert.rejects(
      rig.fleet({ addresses }),
      /d0 at 127\.0\.0\.1:\d+: this is the device "d1", not "d0"/,
    );
    const other = { ...rig.devices[0]!, packageSha256: sha256('another') };
    await rig.stop(0);
    await rig.restart(0, other);
    await assert.rejects(
      rig.fleet(),
      /d0 at 127\.0\.0\.1:\d+: serves another package: its manifest has sha256/,
    );
  });

  it('does without a device that comes back as another one, also where it was not described since', async () => {
    rig = await startRig(2);
    const fleet = await rig.fleet();
    const other = madeUpDevice(0).device;
    await rig.stop(0);
    await rig.restart(0, { ...other, packageSha256: sha256('another') });
    const answers = [await fleet.predict({ pixels }, 'a')];
    await until(() =>
      /serves another package|serves the package/.test(fleet.links[0]!.problem?.message ?? ''),
    );
    answers.push(await fleet.predict({ pixels }, 'b'));
    for (const { answered } of answers)
      assert.deepEqual(
        answered.map(({ device }) => device),
        ['d1'],
      );
  });

  it('goes on without devices that are not there or were not named, but not without all', async () => {
    rig = await startRig(3);
    await rig.stop(1);
    const gone = { host: '127.0.0.1', port: 1 };
    const addresses = new Map([
      ['d0', rig.address(0)],
      ['d1', gone],
    ]);
    const fleet = await rig.fleet({ addresses });
    const { missing } = await fleet.predict({ pixels }, 'image');
    assert.deepEqual(
      missing.map(({ device }) => device),
      ['d1', 'd2'],
    );
    assert.match(missing[0]!.why, /cannot be reached: .*ECONNREFUSED/);
    assert.equal(missing[1]!.why, 'no address given');
    await assert.rejects(
      rig.fleet({ addresses: new Map([['d1', gone]]) }),
      /the fleet: no device can be used:\n {4}d1 at 127\.0\.0\.1:1: cannot be reached/,
    );
  });

  it('refuses names that are none of the deployment’s', async () => {
    rig = await startRig(1);
    const address = rig.address(0);
    await assert.rejects(
      rig.fleet({ addresses: new Map([['kitchen', address]]) }),
      /--devices: rig has no device "kitchen"\n {2}expected: NAME=HOST:PORT,\.\.\. of d0/,
    );
    await assert.rejects(rig.fleet({ addresses: new Map() }), /no device named/);
  });

  it('does not take something else that listens for a device, nor waits for it', async () => {
    rig = await startRig(1);
    const silent = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = { host: '127.0.0.1', port: (silent.address() as AddressInfo).port };
    try {
      await assert.rejects(
        rig.fleet({ addresses: new Map([['d0', address]]), connectMs: 200 }),
        /d0 at 127\.0\.0\.1:\d+: no answer within the deadline/,
      );
    } finally {
      silent.close();
    }
  });
});
