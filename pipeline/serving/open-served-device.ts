import { openDevicePackage, type DevicePackage } from '../deployment/device-package.ts';
import { findPackage } from '../deployment/open-package.ts';
import { extentOf } from '../model/family/image-size.ts';
import { fail } from '../util/failure.ts';
import { openOnnxFeatures } from './onnx-features.ts';
import { planesOf } from './planes.ts';
import type { FeatureEngine, ServedDevice } from './served-device.ts';

export interface OpenServedOptions {
  /** Of ONNX Runtime, for one sub-model; default: its own choice. */
  readonly threads?: number | undefined;
}

/**
 * Opens a device's package (hashes and all), loads its sub-models, and has them pass their self-test. `engine.close` it.
 * @param path its folder
 * @throws BlockForgeError `usage` for another package of a deployment, `file-missing`, `library-invalid`, `engine-unavailable`;
 *   `gate-failed` where a sub-model computes something else than it did when it was exported
 */
export async function openServedDevice(
  path: string,
  { threads }: OpenServedOptions = {},
): Promise<ServedDevice> {
  const found = await findPackage(path);
  if (found !== undefined && found.kind !== 'device') {
    fail({
      reason: 'usage',
      subject: path,
      found: found.kind === 'deployment' ? 'a whole deployment' : 'the package of a coordinator',
      expected: 'the package of one device: a folder in devices/ of a deployment',
    });
  }
  const opened = await openDevicePackage(path);
  const { manifest, manifestSha256, files } = opened;
  const { preprocessing } = manifest;
  const { height, width } = extentOf(preprocessing.crop);
  const models = manifest.models.map(({ name, featureWidth, weights, onnx }) => ({
    id: name,
    width: featureWidth,
    // The graph's weights lie in the file beside it.
    open: <T>(create: (path: string) => Promise<T>): Promise<T> =>
      files.read(weights, () => files.read(onnx, create)),
  }));
  const engine = await openOnnxFeatures(models, [preprocessing.channels, height, width], threads);
  try {
    await selfTest(opened, engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return {
    name: manifest.device,
    packageSha256: manifestSha256,
    preprocessing,
    models: models.map(({ id, width: numbers }) => ({ id, width: numbers })),
    engine,
  };
}

/** Also the first images that it computes: whoever asks first does not wait for what an engine makes then. */
async function selfTest(opened: DevicePackage, engine: FeatureEngine): Promise<void> {
  const { manifest, folder } = opened;
  const { images, pixels, outputs, tolerance } = await opened.readSelfTest();
  const planes = planesOf(manifest.preprocessing);
  const size = pixels.length / images;
  for (let image = 0; image < images; image++) {
    const found = await engine.extract(
      planes(pixels.subarray(image * size, (image + 1) * size), new Float32Array(size)),
    );
    for (const [index, { name, featureWidth }] of manifest.models.entries()) {
      const all = outputs.get(name)?.features ?? new Float32Array();
      const expected = all.subarray(image * featureWidth, (image + 1) * featureWidth);
      const off = largestDifference(found[index]!, expected);
      if (off <= tolerance) continue;
      fail({
        reason: 'gate-failed',
        subject: `${folder}, self-test of ${name}, image ${image}`,
        found: `features that differ by ${off.toExponential(1)}`,
        expected: `at most ${tolerance}, on ${engine.description}`,
        next: `npm run pipeline -- verify ${folder}`,
      });
    }
  }
}

/** As a share of the largest value, where that is above 1; NaN is larger than everything. */
function largestDifference(found: Float32Array, expected: Float32Array): number {
  let [difference, largest] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(found[i]! - expected[i]!);
    if (!(off <= difference)) difference = Number.isNaN(off) ? Infinity : off;
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference / largest;
}
