import { canonicalShapes, type HostWeights } from '../model/host-weights.ts';
import { withSafetensors } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import type { ManifestFile } from '../library/manifest.ts';
import type { OpenOptions } from '../library/open.ts';
import { shapedTensors } from '../library/weights.ts';
import { deviceKind, type DeviceManifest, type DeviceModel } from './device-manifest.ts';
import { readDeviceSelfTest, type DeviceSelfTest } from './device-self-test.ts';
import { openPackage, type OpenPackage } from './open-package.ts';

/** What one device was given, opened. */
export interface DevicePackage extends OpenPackage<DeviceManifest> {
  /** @throws BlockForgeError `library-invalid` where it hosts no such model */
  model(name: string): DeviceModel;
  /** By canonical name, PyTorch's layout. @throws BlockForgeError `library-invalid`, `file-invalid` */
  readWeights(model: string): Promise<HostWeights>;
  /** @throws BlockForgeError `library-invalid`, `file-invalid` */
  readSelfTest(): Promise<DeviceSelfTest>;
}

/**
 * Opens the folder of a device; see `openPackage`. Loads no engine.
 * @param path the folder, or its manifest.json
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openDevicePackage(path: string, options: OpenOptions = {}): Promise<DevicePackage> {
  const opened = await openPackage(path, 'manifest.json', deviceKind, deviceFiles, options);
  const { folder, manifest, pathOf, files } = opened;
  const model = (name: string): DeviceModel =>
    manifest.models.find((entry) => entry.name === name) ??
    fail({
      reason: 'library-invalid',
      subject: folder,
      found: `no model ${JSON.stringify(name)}`,
      expected: `one of ${manifest.models.map((entry) => entry.name).join(', ')}`,
    });
  return {
    ...opened,
    model,
    async readWeights(name) {
      const { weights, architecture } = model(name);
      return files.read(weights, () => readModelWeights(pathOf(weights), architecture));
    },
    readSelfTest: () => files.read(manifest.selfTest.file, (file) => readDeviceSelfTest(file, manifest)),
  };
}

/** All tensors of an architecture out of a file, and no others. @throws BlockForgeError `library-invalid`, `file-invalid` */
export async function readModelWeights(
  path: string,
  architecture: DeviceModel['architecture'],
): Promise<HostWeights> {
  return withSafetensors(path, async (file) => {
    const shapes = canonicalShapes(architecture);
    const foreign = file.names.find((name) => !Object.hasOwn(shapes, name));
    if (foreign !== undefined) {
      fail({
        reason: 'library-invalid',
        subject: `${path}, tensor ${foreign}`,
        found: 'a tensor that its architecture does not have',
        expected: `its ${Object.keys(shapes).length} tensors and no others`,
      });
    }
    const weights: HostWeights = {};
    for await (const [name, tensor] of shapedTensors(file, shapes)) weights[name] = tensor;
    return weights;
  });
}

/** Every file that a device's manifest vouches for. */
export function deviceFiles({ models, onnx, selfTest }: DeviceManifest): ManifestFile[] {
  return [
    ...models.flatMap((model) => [model.weights, model.onnx]),
    selfTest.file,
    ...(onnx.profileScript === undefined ? [] : [onnx.profileScript]),
  ];
}
