import { z } from 'zod';
import { featureWidth, isSameSize } from '../model/architecture.ts';
import type { DocumentKind } from '../library/document.ts';
import { architecture, file, positive, preprocessing } from '../library/manifest-parts.ts';
import {
  areClasses,
  classNames,
  costsOf,
  deploymentSchemaVersion,
  headerBytesAtMost,
  packageName,
  provenance,
  repeated,
  subset,
  tolerance,
  tool,
} from './parts.ts';

/**
 * The contract of what one device is given: `manifest.json` in its folder, strict like the library's. The folder stands alone: it
 * names no other device and no path outside.
 */
const model = z.strictObject({
  name: packageName,
  ...subset,
  /** Of its classes, in the same order; without the one of "other". */
  classNames,
  architecture,
  /** Values of the vector that it sends: what its head's last layer takes. */
  featureWidth: positive,
  params: positive,
  /** Of its weights as float32. */
  sizeBytes: positive,
  /** Multiply-adds for one image. */
  macs: positive,
  /** By canonical name, PyTorch's layout, float32. */
  weights: file,
  /** `images` [B, C, height, width] -> `features` [B, featureWidth], `logits` [B, classes (+ 1)]; its weights lie in `weights`. */
  onnx: file,
});

const shape = z.strictObject({
  $schema: z.literal('manifest.schema.json'),
  kind: z.literal('blockforge-device'),
  schemaVersion: z.literal(deploymentSchemaVersion),
  tool,
  /** Name of the deployment that it is a part of. */
  deployment: packageName,
  /** Its own name. */
  device: packageName,
  /** Image to model input, the same for all of its models. */
  preprocessing,
  models: z.array(model).min(1),
  onnx: z.strictObject({
    opset: positive,
    irVersion: positive,
    /** Measures the graphs on the device, with onnxruntime-node alone. */
    profileScript: file.optional(),
  }),
  selfTest: z.strictObject({
    file,
    /** Tensor uint8 [images, height, width, C]: resized and cropped, not yet normalised. */
    input: z.literal('pixels'),
    images: positive,
    /** Outputs of a model are `<model>.features` [images, featureWidth] and `<model>.logits`. */
    tolerance,
  }),
  provenance,
});

export const deviceManifestSchema = shape.superRefine(checkReferences);

export type DeviceManifest = z.infer<typeof deviceManifestSchema>;
export type DeviceModel = DeviceManifest['models'][number];

/** `manifest.json` of a device as it is read: see `inspectDocument`. */
export const deviceKind: DocumentKind<DeviceManifest> = {
  kind: 'blockforge-device',
  title: 'device manifest',
  version: deploymentSchemaVersion,
  schema: deviceManifestSchema,
  next: "copy the device's folder again, or export the deployment again",
  reason: 'library-invalid',
  maxBytes: 16 * 2 ** 20,
};

/** The JSON Schema (draft 2020-12) that lies beside it. */
export function deviceJsonSchema(): Record<string, unknown> {
  const title = `BlockForge device manifest, version ${deploymentSchemaVersion}`;
  return { ...z.toJSONSchema(deviceManifestSchema), title };
}

/** Files of a model by its name. */
export function modelPaths(name: string): { readonly weights: string; readonly onnx: string } {
  return { weights: `${name}.safetensors`, onnx: `${name}.onnx` };
}

export const selfTestPath = 'self-test.safetensors';
export const profileScriptPath = 'profile.mjs';

/** What shapes and types cannot say: names, classes and costs that agree with the architectures. */
function checkReferences(manifest: z.infer<typeof shape>, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const { models, preprocessing: prepared } = manifest;
  const twice = repeated(models.map(({ name }) => name));
  if (twice !== undefined) problem(['models'], `expected names of their own, found ${twice} twice`);
  for (const [name, path, expected] of [
    ['selfTest', manifest.selfTest.file.path, selfTestPath],
    ['onnx', manifest.onnx.profileScript?.path ?? profileScriptPath, profileScriptPath],
  ] as const) {
    if (path !== expected) problem([name], `expected the file ${expected}`);
  }
  if (prepared.mean.length !== prepared.channels || prepared.std.length !== prepared.channels)
    problem(['preprocessing'], `expected mean and std of ${prepared.channels} channels`);
  models.forEach((entry, index) => {
    const own = (member: string, message: string) => problem(['models', index, member], message);
    const { architecture: facts, classes, other, name } = entry;
    if (`${name}.safetensors` === selfTestPath) own('name', 'the name of another file');
    if (!areClasses(classes)) own('classes', 'expected ascending indices');
    if (entry.classNames !== null && entry.classNames.length !== classes.length)
      own('classNames', `expected ${classes.length}`);
    if (facts.classes !== classes.length + Number(other))
      own('architecture', `expected ${classes.length + Number(other)} logits, found ${facts.classes}`);
    if (facts.channels !== prepared.channels || !isSameSize(facts.imageSize, prepared.crop))
      own('architecture', 'expected the size and channels of prepared images');
    const width = featureWidth(facts);
    if (entry.featureWidth !== width) own('featureWidth', `expected ${width}, its width`);
    for (const [part, path] of Object.entries(modelPaths(name))) {
      if (entry[part as 'weights' | 'onnx'].path !== path) own(part, `expected the file ${path}`);
    }
    const costs = costsOf(facts);
    if (costs === undefined)
      return own('architecture', 'expected one that divides evenly, of layers that agree with the rest');
    for (const key of ['params', 'sizeBytes', 'macs'] as const) {
      if (entry[key] !== costs[key]) own(key, `expected ${costs[key]}, as its architecture has it`);
    }
    const { sizeBytes } = entry.weights;
    if (sizeBytes < costs.sizeBytes || sizeBytes > costs.sizeBytes + headerBytesAtMost(facts))
      own('weights', `weights of this architecture take ${costs.sizeBytes} bytes`);
  });
}
