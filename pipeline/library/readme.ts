import { fittedHeadText } from './fitted-head.ts';
import { measureNames } from '../measure/measure-names.ts';
import { indexFile, measureNote } from './measure-notes.ts';
import type { Interval } from '../measure/interval.ts';
import { formatBytes, formatCount } from '../util/format.ts';
import { extentOf, familyOf, imageSizeText, outputName } from '../model/architecture.ts';
import { describeArchitecture } from './describe-architecture.ts';
import { describeClasses } from './describe-classes.ts';
import { describeFittedOn } from '../recipe/fitted-on.ts';
import { flatteredText } from './manifest-parts.ts';
import { predictionNotes } from './prediction-notes.ts';
import { exampleOf, formulaText, pythonExample, splicingText, typescriptExample } from './readme-code.ts';
import type { Manifest } from './manifest.ts';

/** The README of a library, for someone who has the folder and nothing else. */
export function libraryReadme(manifest: Manifest): string {
  const { teacher, blocks } = manifest;
  const { architecture } = teacher;
  const example = exampleOf(manifest);
  const weightBytes = blocks.flatMap(({ descendants }) => descendants.map(({ file }) => file.sizeBytes));
  const total = weightBytes.reduce((sum, bytes) => sum + bytes, manifest.frame.sizeBytes);
  const names = measureNames(teacher.measure?.kind);
  const { title } = familyOf(architecture);
  return `# A library of descendant blocks for one ${title}

This folder holds a ${title} (the *teacher*) taken apart: the frame once, and each of its ${architecture.depth} feed-forward
blocks at ${Math.min(...blocks.map(({ descendants }) => descendants.length))} or more widths (the *descendants*). Any choice of one descendant per block is a working model, so
a runtime can compose the model that fits its budget and change blocks while it runs. ${formatBytes(total)} in all.

| | |
|---|---|
| teacher | ${describeArchitecture(architecture)} |
| its classes | ${describeClasses(teacher)} |
${teacher.fittedHead === undefined ? '' : `| its head | ${fittedHeadText(teacher.fittedHead)} |\n`}| its cost | ${formatCount(teacher.params)} parameters, ${formatCount(teacher.macs)} multiply-adds an image |
| its ${names.top1} | ${percent(teacher.accuracy.top1Percent)} on ${teacher.accuracy.images} images |
| its checkpoint | sha256 \`${teacher.sha256}\` |

## Files

| file | holds |
|---|---|
| \`manifest.json\` | everything about every file and number here; its schema is \`manifest.schema.json\` |
| \`frame.safetensors\` | the teacher without its feed-forward blocks, timm names (\`blocks.0.attn.qkv.weight\`, \`norm.weight\`, ...) |
| \`blocks/block-03/w0384.safetensors\` | a descendant of the fourth block with 384 hidden units (names here are examples): \`blocks.3.mlp.fc1.weight\`, ... |
| \`blocks/block-03/kept-units.json\` | which of the teacher's hidden units each width kept |
| \`ranking.csv\`, \`ranking.json\` | all descendants, best trade of ${measureNames(manifest.teacher.measure?.kind).top1} for ${manifest.ranking.resource} first |
| \`self-test.safetensors\` | an input, and the output every descendant must give for it |
${indexFile(manifest)}${onnxFiles(manifest)}
Weights are float32 [safetensors](https://github.com/huggingface/safetensors) in PyTorch's layout, linear weights \`[out, in]\`.
${formulaText(architecture)}
The widest descendant of a block is the teacher's own, bit for bit.
${onnxNotes(manifest)}
## Reading it

Python, with nothing but NumPy; the last line checks a descendant against the self-test:

\`\`\`python
${pythonExample(example, manifest.selfTest.tolerance, architecture)}
\`\`\`

TypeScript or JavaScript, with nothing but Node:

\`\`\`ts
${typescriptExample(example)}
\`\`\`

${splicingText(architecture)}Images are prepared as the teacher's were: ${preprocessingText(teacher.preprocessing)}. Another mean or standard deviation costs many points of accuracy and raises no error.

## What the numbers mean

${flatteredText(manifest.data.selection)}- \`top1Pp\` is the paired difference of two models on the same images, with a descendant and with the teacher's block in its place, in
  percentage points, with ${100 * manifest.confidence} % intervals (Tango's score interval for paired proportions, and its form for a mean of several
  differences per image). An interval that holds zero means that these images do not show a difference.
${contextNotes(manifest)}- They come from the selection split (${manifest.data.selection.images} images), which the ranking was made on. Splits do not overlap; their hashes are in the manifest.
- \`kl\` is ${names.divergenceInWords}, and \`klIncrease\` what of it the descendant adds; it
  separates descendants that ${names.top1} cannot.
${measureNote(manifest)}- Latencies are those of one block on ${manifest.latencyProfile.cpuModel} (${manifest.latencyProfile.engine}, threads: ${manifest.latencyProfile.threads}, batch ${manifest.latencyProfile.batchSize}):
  measure on your own device before choosing by them. Parameters, MACs and bytes hold everywhere.
- \`gainOverRefit\` is the share of the held-out output error that training removed beyond the closed-form refit.
${manifest.fitted === undefined ? '' : `- Of ${describeFittedOn(manifest.fitted).slice('of '.length)}.\n`}
${uniformTable(manifest)}${allocatedTable(manifest)}${predictionNotes(manifest)}Made by BlockForge ${manifest.tool.version} with seed ${manifest.seed} on ${manifest.engine.version}; the resolved config is in the manifest.
`;
}

function onnxFiles({ onnx }: Manifest): string {
  if (onnx === undefined) return '';
  return `| \`frame.onnx\` | the whole model as one graph that is given the weights of its feed-forward blocks at every run |
| \`blocks/block-03/w0384.onnx\` | that descendant alone as a graph, \`tokens\` -> \`output\` |
| \`profile.mjs\` | measures the graphs on the device at hand: \`npm install onnxruntime-node && node profile.mjs --name NAME\` |
`;
}

function onnxNotes({ onnx, teacher }: Manifest): string {
  if (onnx === undefined) return '';
  const name = outputName(teacher.architecture);
  return `The graphs (ONNX operator set ${onnx.opset}, IR version ${onnx.irVersion}) hold no weights: they point into the safetensors file beside them, so move
both together. \`frame.onnx\` takes \`images\` [batch, channels, size, size] and, under their names in the files, the weights of any one
descendant per block, so one session serves every composition and changes it by what it is given:

\`\`\`python
import onnxruntime
from safetensors.numpy import load_file

session = onnxruntime.InferenceSession("frame.onnx")
weights = {name: value for path in chosen for name, value in load_file(path).items()}   # one descendant file per block
${name}, = session.run(["${name}"], {"images": images, **weights})
\`\`\`
`;
}

/** How images are prepared, in one line. */
export function preprocessingText({
  resize,
  resizeMode,
  interpolation,
  crop,
  mean,
  std,
}: Manifest['teacher']['preprocessing']): string {
  const side =
    resize === null || (typeof resize === 'number' && resizeMode === 'shortest')
      ? `shortest side to ${resize}`
      : resizeMode === 'shortest'
        ? `resized to cover ${imageSizeText(resize)}`
        : `stretched to ${extentOf(resize).height} x ${extentOf(resize).width}`;
  const size = resize === null ? 'no resizing' : `${side} (${interpolation})`;
  return `${size}, centre crop ${imageSizeText(crop)}, values / 255, minus [${mean.join(', ')}], over [${std.join(', ')}]`;
}

function uniformTable(manifest: Manifest): string {
  const { uniform } = manifest;
  const { top1 } = measureNames(manifest.teacher.measure?.kind);
  if (uniform.length === 0) return '';
  const rows = uniform.map(({ sparsity, params, macs, pruned, refit, distilled }) => {
    const steps = [pruned, refit, distilled].map((step) => (step ? percent(step.top1Percent) : '-'));
    return `| ${(100 * sparsity).toFixed(0)} % | ${formatCount(params)} | ${formatCount(macs)} | ${steps.join(' | ')} | ${refit.images} |`;
  });
  return `Whole models with the same share of hidden units removed in every block, measured:

${flatteredText(manifest.data.selection)}| removed | parameters | multiply-adds | ${top1} as cut | ${top1} after refit | ${top1} of these files | images |
|---|---|---|---|---|---|---|
${rows.join('\n')}

`;
}

/** What the other blocks were while one was exchanged. */
function contextNotes({ contexts }: Manifest): string {
  const others = (contexts ?? []).filter(({ name }) => name !== 'teacher');
  if (others.length === 0) {
    return `- Deltas are measured with **one** block replaced and every other block the teacher's (\`deltas.teacher\`). They do not simply add
  up when several blocks are replaced: measure a composition before relying on it.
`;
  }
  const listed = others
    .map(({ name, width, widths }) => `${widths?.join(' ') ?? width} hidden units (\`deltas.${name}\`)`)
    .join(' or ');
  return `- Deltas are measured with **one** block exchanged while every other block is the teacher's (\`deltas.teacher\`), or one of
  ${listed}. \`deltas.average\`, which the ranking uses, is the mean over those contexts.
`;
}

function allocatedTable(manifest: Manifest): string {
  const { allocated } = manifest;
  const { top1 } = measureNames(manifest.teacher.measure?.kind);
  if (allocated === undefined || allocated.length === 0) return '';
  const points = ({ mean, low, high }: Interval) =>
    `${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  const rows = allocated.map(
    ({ sparsity, params, macs, scores, versusUniformPp, descendants }) =>
      `| ${(100 * sparsity).toFixed(0)} % | ${formatCount(params)} | ${formatCount(macs)} | ${percent(scores.top1Percent)} | ${points(
        versusUniformPp,
      )} | ${descendants.map((id) => Number(id.split('/w')[1])).join(' ')} |`,
  );
  return `The same budgets with a width for every block of its own: the model that diverges least from the teacher at no more parameters in
its feed-forward blocks than the uniform one. The widths were chosen on the images that they are measured on here, which favours them a little.

${flatteredText(manifest.data.selection)}| at most as large as | parameters | multiply-adds | ${top1} | minus uniform, points | hidden units by block |
|---|---|---|---|---|---|
${rows.join('\n')}

`;
}

function percent({ mean, low, high }: Interval): string {
  return `${mean.toFixed(2)} % [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}
