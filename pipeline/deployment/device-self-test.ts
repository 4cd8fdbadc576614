import { extentOf } from '../model/architecture.ts';
import { requireFinite } from '../model/untrusted-file.ts';
import { withSafetensors, type SafetensorsFile } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { random } from '../util/random.ts';
import type { Preprocessing } from '../../datasets/contract.ts';
import type { DeviceManifest } from './device-manifest.ts';

/** Outputs of one sub-model for all images of a self-test, row by row. */
export interface ModelOutputs {
  /** [images, featureWidth] */
  readonly features: Float32Array;
  /** [images, classes (+ 1)] */
  readonly logits: Float32Array;
}

/** Images, and what the models of a device must make of them. */
export interface DeviceSelfTest {
  readonly images: number;
  /** [images, height, width, C]: resized and cropped, not yet normalised. */
  readonly pixels: Uint8Array;
  /** By model. */
  readonly outputs: ReadonlyMap<string, ModelOutputs>;
  /** |found - expected| <= tolerance * max(1, largest |expected|). */
  readonly tolerance: number;
}

export const selfTestImages = 2;
/** Runtimes add up in their own orders. */
export const deviceTolerance = 1e-4;

/** [2, height, width, C]: a gradient with noise on it, the same for every device with this geometry and seed. */
export function selfTestPixels({ crop, channels }: Preprocessing, seed: number): Uint8Array {
  const { height, width } = extentOf(crop);
  const draw = random(seed, 'device-self-test');
  const pixels = new Uint8Array(selfTestImages * height * width * channels);
  const tilts = Array.from({ length: selfTestImages * channels }, () => [draw.next(), draw.next()] as const);
  for (let place = 0; place < pixels.length; place++) {
    const [channel, position] = [place % channels, Math.floor(place / channels)];
    const [column, row] = [position % width, Math.floor(position / width) % height];
    const [down, across] = tilts[Math.floor(position / (width * height)) * channels + channel]!;
    const light = (down * row) / height + (across * column) / width;
    pixels[place] = Math.round(255 * (0.4 * light + 0.2 * draw.next()));
  }
  return pixels;
}

/** @throws BlockForgeError `library-invalid` where a tensor has another shape; `file-invalid` */
export async function readDeviceSelfTest(
  path: string,
  { selfTest, models, preprocessing }: DeviceManifest,
): Promise<DeviceSelfTest> {
  const { images, tolerance, input } = selfTest;
  const { height, width } = extentOf(preprocessing.crop);
  return withSafetensors(path, async (file) => {
    requireShape(file, input, [images, height, width, preprocessing.channels], 'U8');
    const outputs = new Map<string, ModelOutputs>();
    for (const { name, featureWidth, architecture } of models) {
      outputs.set(name, {
        features: await readFloats(file, `${name}.features`, [images, featureWidth]),
        logits: await readFloats(file, `${name}.logits`, [images, architecture.classes]),
      });
    }
    return { images, pixels: (await file.readTyped(input)) as Uint8Array, outputs, tolerance };
  });
}

/** A float32 tensor of this shape, finite. @throws BlockForgeError `library-invalid`, `file-invalid` */
export async function readFloats(
  file: SafetensorsFile,
  name: string,
  shape: readonly number[],
): Promise<Float32Array> {
  requireShape(file, name, shape, 'F32');
  return requireFinite(await file.read(name), file.path, name);
}

function requireShape(file: SafetensorsFile, name: string, shape: readonly number[], dtype: string): void {
  const found = file.info(name);
  if (found.dtype === dtype && found.shape.join() === shape.join()) return;
  fail({
    reason: 'library-invalid',
    subject: `${file.path}, tensor ${name}`,
    found: `${found.dtype} [${found.shape.join(', ')}]`,
    expected: `${dtype} [${shape.join(', ')}], as the manifest has it`,
  });
}
