import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDevicePackage } from '../../pipeline/deployment/device-package.ts';
import {
  deviceProfilePaths,
  readDeviceProfile,
  saveDeviceProfile,
  type DeviceProfile,
} from '../../pipeline/profile/device-profile.ts';
import { measureDevice } from '../../pipeline/profile/measure-onnx.js';
import {
  addPackageProfile,
  devicesOf,
  listPackageProfiles,
  measurePackages,
  renderPackageProfiles,
} from '../../pipeline/cli/profile/package.ts';
import { plain } from '../../pipeline/terminal/terminal.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { writtenDeployment } from '../deployment/fixture.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';
import { present } from '../support/present.ts';

describe('profile/device-profile', function () {
  this.timeout(60_000);
  let written: Awaited<ReturnType<typeof writtenDeployment>> | undefined;
  const deployment = (): string => present(written).path;
  before(async function () {
    if (!(await hasOnnxRuntime())) this.skip();
    written = await writtenDeployment();
  });
  after(() => written?.remove());

  const refuses = (work: Promise<unknown>, words: RegExp): Promise<void> =>
    assert.rejects(work, (error: unknown) => {
      assert.ok(error instanceof BlockForgeError, String(error));
      assert.match(error.message, words);
      return true;
    });

  it('has the times of every sub-model, and the rate that they come to', async () => {
    const device = await openDevicePackage(join(deployment(), 'devices/pi-kitchen'));
    const rounds = { warmup: 1, iterations: 3, threads: 1 };
    const profile = await measureDevice({ folder: device.folder, name: 'board', ...rounds });
    assert.deepEqual(
      profile.models.map(({ name, macs }) => [name, macs]),
      device.manifest.models.map(({ name, macs }) => [name, macs]),
    );
    for (const { macs, p50, p90, macsPerSecond } of profile.models) {
      assert.ok(p50 > 0 && p90 >= p50);
      assert.ok(Math.abs(macsPerSecond / ((1e3 * macs) / p50) - 1) < 1e-4);
    }
    const sum = (key: 'macs' | 'p50') => profile.models.reduce((total, model) => total + model[key], 0);
    assert.ok(Math.abs(profile.macsPerSecond / ((1e3 * sum('macs')) / sum('p50')) - 1) < 1e-4);

    const path = await saveDeviceProfile(device, profile);
    assert.deepEqual([...(await deviceProfilePaths(device))], [['board', path]]);
    assert.deepEqual(await readDeviceProfile(path, device), profile);
    const change = async (changed: Partial<DeviceProfile>, words: RegExp) => {
      await writeFile(path, JSON.stringify({ ...profile, ...changed }));
      await refuses(readDeviceProfile(path, device), words);
    };
    await change({ manifestSha256: '0'.repeat(64) }, /a profile of the manifest 0000/);
    await change({ models: profile.models.slice(1) }, /times of submodel-02/);
    await change({ macsPerSecond: -1 }, /macsPerSecond/);
    await rm(path);
  });

  it('is made by profile.mjs on a device that has nothing of this code base, and taken in', async () => {
    const alone = `${deployment()}-alone`;
    await cp(join(deployment(), 'devices/jetson'), alone, { recursive: true });
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(alone, 'profile.mjs'), ...args], { encoding: 'utf8' });
    const { status, stdout, stderr } = run('--iterations', '2', '--threads', '1', '--name', 'board');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^submodel-01: p50 .* ms, p90 .* ms\nmacsPerSecond: \d+\n.*board\.json\n$/);
    const devices = await devicesOf('device', join(deployment(), 'devices/jetson/manifest.json'));
    const [added] = await addPackageProfile(devices, join(alone, 'profiles/board.json'));
    assert.equal(present(added).path, join(deployment(), 'devices/jetson/profiles/board.json'));
    assert.deepEqual(
      JSON.parse(await readFile(present(added).path, 'utf8')),
      JSON.parse(await readFile(join(alone, 'profiles/board.json'), 'utf8')),
    );
  });

  it('is measured for all devices of a deployment, and told as a config takes it', async () => {
    const devices = await devicesOf('deployment', join(deployment(), 'deployment.json'));
    const fractions: number[] = [];
    const measure = {
      kind: 'measure',
      runtime: 'onnxruntime',
      threads: 1,
      iterations: 2,
      device: 'here',
    } as const;
    const profiles = await measurePackages(devices, measure, {
      onProgress: (fraction) => fractions.push(fraction),
    });
    assert.deepEqual(
      profiles.map(({ device, profile }) => [device, profile.device.name]),
      [['pi-kitchen', 'here'], ['jetson', 'here']], // prettier-ignore
    );
    assert.equal(fractions.at(-1), 1);
    const text = renderPackageProfiles(profiles, plain);
    assert.match(text, /pi-kitchen +submodel-00 .*\npi-kitchen +submodel-02 .*\njetson +submodel-01/);
    assert.match(text, /- \{ name: jetson, macsPerSecond: \d\.\d\de\+\d+ \} +# as here/);
    await writeFile(join(deployment(), 'devices/jetson/profiles/old.json'), '{}');
    const listed = await listPackageProfiles(devices);
    const problem = listed.find((item) => 'problem' in item);
    assert.match(present(problem).path, /old\.json$/);
    assert.match(renderPackageProfiles(listed, plain), /not usable/);

    await refuses(measurePackages(devices, { ...measure, runtime: 'tfjs' }, {}), /--runtime tfjs/);
    await refuses(measurePackages(devices, { ...measure, batchSizes: [1, 8] }, {}), /--batch 1,8/);
    await refuses(addPackageProfile(devices, 'x.json'), /whole deployment/);
    await refuses(devicesOf('coordinator', '/x/manifest.json'), /no models to measure/);
  });
});
