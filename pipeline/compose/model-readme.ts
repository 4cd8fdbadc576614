import {
  extentOf,
  familyOf,
  hiddenUnits,
  outputName,
  pixelsPerImage,
  type Architecture,
} from '../model/architecture.ts';
import { formatBytes, formatCount } from '../util/format.ts';
import { classifyExample } from './classify-example.ts';
import { measureNames } from '../measure/measure-names.ts';
import { preprocessingText } from '../library/readme.ts';
import type { ModelManifest } from './model-manifest.ts';

/** The README of a model folder, for someone who has the folder and nothing else. */
export function modelReadme(model: Omit<ModelManifest, 'files'>): string {
  const { architecture, widths, preprocessing, params, macs, sizeBytes, onnx } = model;
  const { imageSize, channels, classes } = architecture;
  const name = outputName(architecture);
  const values = pixelsPerImage(imageSize, channels);
  const { height, width } = extentOf(imageSize);
  return `# A ${familyOf(architecture).title} with narrowed feed-forward blocks

${formatCount(params)} parameters, ${formatCount(macs)} multiply-adds an image, ${formatBytes(sizeBytes)} of weights. Hidden units by block: ${widths.join(' ')}
(the teacher has ${ofTeacher(architecture)}). ${scores(model)}${refittedText(model)}

| file | for |
|---|---|
| \`model.onnx\` | ONNX Runtime and others: operator set ${onnx.opset}; \`images\` [batch, ${channels}, ${height}, ${width}] -> \`${name}\` [batch, ${classes}] |
| \`model.json\` | TensorFlow.js, as a graph model; \`images\` [batch, ${height}, ${width}, ${channels}] -> \`${name}\` |
${model.index === undefined ? '' : `| \`${model.index.path}\` | what gives features their classes: \`features\` [n, F] of length 1, and \`labels\` [n] |\n`}| \`model.safetensors.index.json\` | the weights alone, under timm's names |
| \`composition.json\` | everything known about this model, and the sha256 of every file |

The weights are in \`weights/\`, once for all of these, so move the folder as a whole. Its files may be shared with other models of the
same library by hard link: replace them, never write into them.

Images: ${preprocessingText(preprocessing)}.

## Python

\`\`\`python
import numpy as np, onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
images = np.zeros((1, ${channels}, ${height}, ${width}), np.float32)   # prepared as above
${name}, = session.run(["${name}"], {"images": images})
\`\`\`
${classesText(model)}
## Node

\`\`\`js
import { InferenceSession, Tensor } from 'onnxruntime-node';

const session = await InferenceSession.create('model.onnx');
const images = new Tensor('float32', new Float32Array(${values}), [1, ${channels}, ${height}, ${width}]); // prepared as above
const { ${name} } = await session.run({ images });
\`\`\`

## Browser

Serve this folder, then:

\`\`\`js
import * as tf from '@tensorflow/tfjs';

const model = await tf.loadGraphModel('model.json');
const images = tf.zeros([1, ${height}, ${width}, ${channels}]); // prepared as above
const ${name} = model.predict(images);
\`\`\`

Made by BlockForge ${model.tool.version} from the library whose manifest has sha256 \`${model.library.manifestSha256}\`.
`;
}

/** How an image gets its class, of a model that answers with features. */
function classesText({
  measure,
  index,
  classNames,
}: Pick<ModelManifest, 'measure' | 'index' | 'classNames'>): string {
  if (measure === undefined) return '';
  if (index === undefined)
    return `
It answers with features, not with classes: what gives them classes is the index beside the manifest of its library.
`;
  return `
It answers with features. Their classes${classNames === null ? '' : ' (`classNames` in `composition.json`)'} come from \`${index.path}\`: ${
    index.neighbours === undefined
      ? 'that of the nearest embedding by cosine'
      : `the vote of the ${index.neighbours} nearest of its features by cosine`
  }:

\`\`\`python
${classifyExample(index)}
\`\`\`
`;
}

function ofTeacher(architecture: Architecture): string {
  const hiddens = hiddenUnits(architecture);
  return new Set(hiddens).size === 1 ? `${hiddens[0]} in each` : hiddens.join(' ');
}

function scores({
  measured,
  predicted,
  measure,
}: Pick<ModelManifest, 'measured' | 'predicted' | 'measure'>): string {
  const { top1, Top1 } = measureNames(measure);
  if (measured !== undefined) {
    const { mean, low, high } = measured.top1Percent;
    return `${Top1} ${mean.toFixed(2)} % [${low.toFixed(2)}, ${high.toFixed(2)}], measured on ${measured.images} images of the ${measured.split} split.`;
  }
  if (predicted !== undefined) {
    return `Predicted to lose ${predicted.top1LossPp.toFixed(2)} points of ${top1} against the teacher; not measured: check it on your own images.`;
  }
  return `Its ${top1} was not measured: check it on your own images.`;
}

function refittedText({ refitted, measure }: Pick<ModelManifest, 'refitted' | 'measure'>): string {
  if (refitted === undefined || refitted.descendants.length === 0) return '';
  const { descendants, images, before, after } = refitted;
  const { divergence, unit } = measureNames(measure);
  return (
    ` fc2 of ${descendants.length} blocks was fitted again for this composition, on ${images.training} images; on ${images.heldOut} others ` +
    `its divergence from the teacher (${divergence}) is ${after.kl.toFixed(4)} instead of ${before.kl.toFixed(4)}${unit}.`
  );
}
