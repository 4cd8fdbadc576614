import { extentOf } from '../model/architecture.ts';
import { formatBytes, formatCount } from '../util/format.ts';
import { preprocessingText } from '../library/readme.ts';
import type { DeviceManifest, DeviceModel } from './device-manifest.ts';

/** The README of a device's package, for someone who has this folder and nothing else. */
export function deviceReadme(manifest: DeviceManifest): string {
  const { device, deployment, models, preprocessing, onnx, selfTest, tool, provenance } = manifest;
  const { height, width } = extentOf(preprocessing.crop);
  const { channels } = preprocessing;
  const [first] = models as [DeviceModel];
  return `# ${device}: its part of ${deployment}

${models.length === 1 ? 'A small Vision Transformer' : `${models.length} small Vision Transformers`} cut out of a larger one. Each knows some of the classes; it sends its \`features\` to the
coordinator, who fuses the features of all devices into one answer. This folder is all that this device needs.

| sub-model | knows | features | parameters | weights | multiply-adds an image |
|---|---|---|---|---|---|
${models.map(row).join('\n')}

| file | holds |
|---|---|
| \`manifest.json\` | everything about every file here; its schema is \`manifest.schema.json\` |
| \`${first.weights.path}\` | weights by timm's names, float32, PyTorch's layout: [safetensors](https://github.com/huggingface/safetensors) |
| \`${first.onnx.path}\` | ONNX, operator set ${onnx.opset}: \`images\` [batch, ${channels}, ${height}, ${width}] -> \`features\`, \`logits\`; its weights are in the file above |
| \`self-test.safetensors\` | \`pixels\` of ${selfTest.images} images, and the \`features\` and \`logits\` of every sub-model for them |
| \`profile.mjs\` | measures the sub-models on this machine: \`npm install onnxruntime-node && node profile.mjs --name NAME\` |

Images: ${preprocessingText(preprocessing)}. Another mean or standard deviation costs many points of accuracy and raises no error.

## Python

With the self-test as its last line:

\`\`\`python
import numpy as np, onnxruntime
from safetensors.numpy import load_file

test = load_file("self-test.safetensors")
mean, std = np.array(${JSON.stringify(preprocessing.mean)}), np.array(${JSON.stringify(preprocessing.std)})
images = ((test["pixels"] / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
session = onnxruntime.InferenceSession("${first.onnx.path}")
features, logits = session.run(["features", "logits"], {"images": images})
expected = test["${first.name}.features"]
assert np.abs(features - expected).max() <= ${selfTest.tolerance} * max(1, np.abs(expected).max())
\`\`\`

## Node

\`\`\`js
import { InferenceSession, Tensor } from 'onnxruntime-node';

const session = await InferenceSession.create('${first.onnx.path}');
const images = new Tensor('float32', new Float32Array(${channels * height * width}), [1, ${channels}, ${height}, ${width}]); // prepared as above
const { features, logits } = await session.run({ images });
\`\`\`

Made by BlockForge ${tool.version} with seed ${provenance.seed} on ${provenance.engine.version}, from the teacher with sha256 \`${provenance.teacher.sha256}\`.
`;
}

function row({
  name,
  classes,
  classNames,
  other,
  featureWidth,
  params,
  sizeBytes,
  macs,
}: DeviceModel): string {
  const known = classesText(classNames ?? classes.map((index) => `class ${index}`));
  return `| \`${name}\` | ${known}${other ? ', and "other" as its last logit' : ''} | ${featureWidth} | ${formatCount(params)} | ${formatBytes(sizeBytes)} | ${formatCount(macs)} |`;
}

/** The first few; names are anybody's, so nothing in them may end a cell or a line. */
export function classesText(names: readonly string[]): string {
  const shown = names.slice(0, 12).map((name) => name.replace(/[|\s`]+/g, ' ').slice(0, 60));
  return `${shown.join(', ')}${names.length > shown.length ? ` and ${names.length - shown.length} more` : ''}`;
}
