import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { openDeployment } from '../../deployment/deployment.ts';
import { openDevicePackage, type DevicePackage } from '../../deployment/device-package.ts';
import type { PackageKind } from '../../deployment/open-package.ts';
import { loadOnnxRuntime } from '../../graphs/onnx-runtime.ts';
import {
  deviceProfilePaths,
  readDeviceProfile,
  saveDeviceProfile,
  type DeviceProfile,
} from '../../profile/device-profile.ts';
import { defaults, measureDevice, type Rounds } from '../../profile/measure-onnx.js';
import { BlockForgeError, describeFailure, fail } from '../../util/failure.ts';
import type { Paint } from '../../terminal/terminal.ts';
import { renderTable, type Column } from '../../terminal/table.ts';
import type { Measure } from './arguments.ts';

/** A profile of a device's package, where it was written. */
export interface PackageProfile {
  readonly device: string;
  readonly profile: DeviceProfile;
  readonly path: string;
}

/** The devices of what was found: a deployment's in their order, or the one. @throws BlockForgeError `usage` for a coordinator */
export async function devicesOf(kind: PackageKind, manifestPath: string): Promise<DevicePackage[]> {
  if (kind === 'device') return [await openDevicePackage(manifestPath)];
  if (kind === 'coordinator') {
    return fail({
      reason: 'usage',
      subject: dirname(manifestPath),
      found: 'the package of a coordinator, which has no models to measure',
      expected: 'a device, a deployment or a library',
    });
  }
  const deployment = await openDeployment(manifestPath);
  const devices: DevicePackage[] = [];
  for (const { name } of deployment.manifest.devices) devices.push(await deployment.device(name));
  return devices;
}

/**
 * Measures the sub-models of each device on this machine, one image at a time, and writes a profile into each package.
 * @throws BlockForgeError `engine-unavailable`, `usage`
 */
export async function measurePackages(
  devices: readonly DevicePackage[],
  { runtime, batchSizes, iterations = defaults.iterations, threads, device: name }: Measure,
  rounds: Pick<Rounds, 'signal' | 'onProgress'>,
): Promise<PackageProfile[]> {
  if (runtime !== 'onnxruntime')
    fail({
      reason: 'usage',
      subject: `--runtime ${runtime}`,
      found: 'sub-models are measured with onnxruntime alone, which serves them',
      next: 'leave it out',
    });
  if (batchSizes !== undefined && batchSizes.join() !== '1')
    fail({
      reason: 'usage',
      subject: `--batch ${batchSizes.join()}`,
      found: 'sub-models are measured one image at a time',
      expected: '1, or none',
    });
  const found = await loadOnnxRuntime();
  if (typeof found === 'string')
    fail({
      reason: 'engine-unavailable',
      subject: 'onnxruntime-node',
      found,
      next: 'npm install onnxruntime-node',
    });
  const profiles: PackageProfile[] = [];
  for (const [index, device] of devices.entries()) {
    const profile = await measureDevice({
      folder: device.folder,
      threads: threads ?? availableParallelism(),
      name,
      warmup: defaults.warmup,
      iterations,
      signal: rounds.signal,
      onProgress: (fraction, seconds) =>
        rounds.onProgress?.((index + fraction) / devices.length, seconds * (devices.length - index)),
    });
    profiles.push({
      device: device.manifest.device,
      profile,
      path: await saveDeviceProfile(device, profile),
    });
  }
  return profiles;
}

/** Checks a profile that was measured elsewhere and takes it in. @throws BlockForgeError `usage`, `file-missing`, `file-invalid` */
export async function addPackageProfile(
  devices: readonly DevicePackage[],
  file: string,
): Promise<PackageProfile[]> {
  const [device, ...others] = devices;
  if (device === undefined || others.length > 0)
    return fail({
      reason: 'usage',
      subject: '--add',
      found: 'given with a whole deployment',
      expected: 'the package of the device that was measured, devices/NAME',
    });
  const profile = await readDeviceProfile(file, device);
  return [{ device: device.manifest.device, profile, path: await saveDeviceProfile(device, profile) }];
}

/** A profile that lies in a package, or why it cannot be used. */
export type ListedPackageProfile =
  PackageProfile | { readonly device: string; readonly path: string; readonly problem: string };

export async function listPackageProfiles(
  devices: readonly DevicePackage[],
): Promise<ListedPackageProfile[]> {
  const listed: ListedPackageProfile[] = [];
  for (const opened of devices) {
    const { device } = opened.manifest;
    for (const path of (await deviceProfilePaths(opened)).values()) {
      try {
        listed.push({ device, path, profile: await readDeviceProfile(path, opened) });
      } catch (error) {
        if (!(error instanceof BlockForgeError)) throw error;
        listed.push({ device, path, problem: describeFailure(error.failure) });
      }
    }
  }
  return listed;
}

const columns: readonly Column[] = [
  { title: 'device' },
  { title: 'sub-model' },
  { title: 'p50 ms', align: 'right' },
  { title: 'p90 ms', align: 'right' },
  { title: 'macsPerSecond', align: 'right' },
];

/** What was measured, and what of it belongs into a config. */
export function renderPackageProfiles(profiles: readonly ListedPackageProfile[], paint: Paint): string {
  if (profiles.length === 0) return 'No profiles there; without --list this machine is measured';
  const rows = profiles.flatMap((item) =>
    'problem' in item
      ? [[item.device, `not usable: ${item.problem.split('\n')[0] ?? ''}`, '', '', '']]
      : [
          ...item.profile.models.map(({ name, p50, p90, macsPerSecond }) => [
            item.device,
            name,
            p50.toPrecision(3),
            p90.toPrecision(3),
            macsPerSecond.toExponential(2),
          ]),
        ],
  );
  const usable = profiles.flatMap((item) => ('problem' in item ? [] : [item]));
  const [first] = usable;
  return [
    ...(first === undefined ? [] : [paint.bold(describe(first.profile))]),
    'milliseconds for one image, batch 1',
    '',
    ...renderTable(columns, rows),
    ...(usable.length === 0 ? [] : ['', 'For `devices` in a config:']),
    ...usable.map(
      ({ device, profile }) =>
        `  - { name: ${device}, macsPerSecond: ${profile.macsPerSecond.toExponential(2)} }   # as ${profile.device.name}`,
    ),
  ].join('\n');
}

function describe({ runtime, device }: DeviceProfile): string {
  const threads = `${runtime.threads} thread${runtime.threads === 1 ? '' : 's'}`;
  return `${runtime.name} ${runtime.version}, ${threads}, on ${device.cpuModel} (${device.name})`;
}
