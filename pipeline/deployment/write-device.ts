import { join } from 'node:path';
import { submodelOnnx } from '../graphs/files.ts';
import { loadOnnxRuntime } from '../graphs/onnx-runtime.ts';
import { onnxIrVersion, onnxOpset } from '../graphs/onnx.ts';
import { storedWeights } from '../graphs/weight-places.ts';
import { describeFile, publishFile } from '../library/listed-file.ts';
import { largestDifference } from '../library/reference-ffn.ts';
import { sameBits } from '../library/same-bits.ts';
import { throughSchema } from '../library/through-schema.ts';
import { extentOf, featureWidth } from '../model/architecture.ts';
import { modelCosts } from '../model/costs.ts';
import type { HostWeights } from '../model/host-weights.ts';
import { writeSafetensors, type NamedArrays } from '../model/safetensors.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import {
  deviceJsonSchema,
  deviceManifestSchema,
  modelPaths,
  profileScriptPath,
  selfTestPath,
  type DeviceManifest,
  type DeviceModel,
} from './device-manifest.ts';
import { readModelWeights } from './device-package.ts';
import { deviceReadme } from './device-readme.ts';
import { deviceTolerance, selfTestImages, selfTestPixels, type ModelOutputs } from './device-self-test.ts';
import { engineOutputs } from './engine-outputs.ts';
import type { DeploymentInput, SubmodelInput } from './input.ts';
import { onnxOutputs } from './onnx-outputs.ts';
import { deploymentSchemaVersion, provenanceOf } from './parts.ts';

/**
 * Writes the package of one device into `folder`. Gates, each naming the sub-model: what is read back has the bits that were
 * written, and ONNX Runtime, where it is installed, gives what the engine gives.
 *
 * @param models what the device hosts
 * @throws BlockForgeError `gate-failed`, `out-of-space`
 */
export async function writeDevice(
  folder: string,
  name: string,
  models: readonly SubmodelInput[],
  input: DeploymentInput,
  signal?: AbortSignal,
): Promise<DeviceManifest> {
  const { preprocessing, toolVersion } = input;
  const pixels = selfTestPixels(preprocessing, input.seed);
  const { height, width } = extentOf(preprocessing.crop);
  const tensors: NamedArrays = {
    pixels: { shape: [selfTestImages, height, width, preprocessing.channels], data: pixels },
  };
  const written: DeviceModel[] = [];
  for (const model of models) {
    signal?.throwIfAborted();
    const { entry, outputs } = await writeSubmodel(folder, model, input, pixels);
    written.push(entry);
    for (const [part, data] of Object.entries(outputs) as [string, Float32Array][])
      tensors[`${model.name}.${part}`] = { shape: [selfTestImages, data.length / selfTestImages], data };
  }
  await writeSafetensors(join(folder, selfTestPath), tensors, {
    input: 'pixels, resized and cropped, not yet normalised',
  });
  const manifest = throughSchema(deviceManifestSchema, {
    $schema: 'manifest.schema.json',
    kind: 'blockforge-device',
    schemaVersion: deploymentSchemaVersion,
    tool: { name: 'blockforge', version: toolVersion },
    deployment: input.name,
    device: name,
    preprocessing: copyOf(preprocessing),
    models: written,
    onnx: {
      opset: onnxOpset,
      irVersion: onnxIrVersion,
      profileScript: await publishFile(folder, profileScriptPath, await input.profileScript()),
    },
    selfTest: {
      file: await describeFile(folder, selfTestPath),
      input: 'pixels',
      images: selfTestImages,
      tolerance: deviceTolerance,
    },
    provenance: provenanceOf(input),
  });
  await writeJsonAtomic(join(folder, 'manifest.schema.json'), deviceJsonSchema());
  await writeFileAtomic(join(folder, 'README.md'), deviceReadme(manifest));
  await writeJsonAtomic(join(folder, 'manifest.json'), manifest);
  return manifest;
}

async function writeSubmodel(
  folder: string,
  { name, architecture, classes, other, weights: load }: SubmodelInput,
  { classNames, preprocessing, toolVersion }: DeploymentInput,
  pixels: Uint8Array,
): Promise<{ readonly entry: DeviceModel; readonly outputs: ModelOutputs }> {
  const paths = modelPaths(name);
  const full = { weights: join(folder, paths.weights), onnx: join(folder, paths.onnx) };
  const weights = await load();
  await writeSafetensors(full.weights, weights, {
    submodel: name,
    layout: 'timm names, linear weights [out, in]',
  });
  const fromFile = await readModelWeights(full.weights, architecture);
  checkSame(name, weights, fromFile);
  const places = await storedWeights(full.weights, paths.weights);
  const onnx = await publishFile(folder, paths.onnx, submodelOnnx(architecture, places, toolVersion));
  const outputs = await engineOutputs(fromFile, architecture, pixels, preprocessing);
  const runtime = await loadOnnxRuntime();
  if (typeof runtime !== 'string')
    checkRuntime(name, await onnxOutputs(runtime, full.onnx, pixels, preprocessing), outputs);
  const { params, sizeBytes, macs } = modelCosts(architecture);
  const entry = {
    name,
    classes: [...classes],
    other,
    classNames: classNames === null ? null : classes.map((index) => classNames[index]!),
    architecture: copyOf(architecture),
    featureWidth: featureWidth(architecture),
    params,
    sizeBytes,
    macs,
    weights: await describeFile(folder, paths.weights),
    onnx,
  };
  return { entry, outputs };
}

function checkSame(name: string, written: HostWeights, read: HostWeights): void {
  const differs = Object.entries(read).find(([key, { data }]) => {
    const own = written[key];
    return own === undefined || !sameBits(own.data, data);
  });
  if (differs === undefined) return;
  fail({
    reason: 'gate-failed',
    subject: `export of ${name}`,
    found: `${differs[0]} read back from the file differs from the pipeline's`,
    expected: 'the same bits',
    next: 'check the disk and give the same command again',
  });
}

function checkRuntime(name: string, found: ModelOutputs, expected: ModelOutputs): void {
  for (const part of ['features', 'logits'] as const) {
    const difference = largestDifference(found[part], expected[part]);
    if (difference <= deviceTolerance) continue;
    fail({
      reason: 'gate-failed',
      subject: `graph of ${name}`,
      found: `ONNX Runtime's ${part} differ by ${difference.toExponential(1)} (share of the largest)`,
      expected: `at most ${deviceTolerance}`,
      next: 'report this: two runtimes disagree on the same weights',
    });
  }
}

/** As JSON has it: mutable, and without what is undefined. */
function copyOf<T>(value: T): Mutable<T> {
  return JSON.parse(JSON.stringify(value)) as Mutable<T>;
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly number[] ? number[] : T[K] };
