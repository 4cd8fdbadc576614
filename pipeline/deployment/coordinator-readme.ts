import { preprocessingText } from '../library/readme.ts';
import type { CoordinatorManifest } from './coordinator-manifest.ts';
import { classesText } from './device-readme.ts';

/** The README of the coordinator's package, for someone who has this folder and nothing else. */
export function coordinatorReadme(manifest: CoordinatorManifest): string {
  const { deployment, devices, models, classes, classNames, preprocessing, selfTest, tool } = manifest;
  const names = classNames ?? Array.from({ length: classes }, (_, index) => `class ${index}`);
  return `# The coordinator of ${deployment}

Fuses the features of ${models.length} sub-model${models.length === 1 ? '' : 's'} on ${devices.length} device${devices.length === 1 ? '' : 's'} into logits over ${classes} classes (${classesText(names)}).
A device that does not answer is no failure: its features are estimated from those that are there, and the answer is made of these.

| sub-model | on | features |
|---|---|---|
${models.map(({ name, device, featureWidth }) => `| \`${name}\` | ${device} | ${featureWidth} |`).join('\n')}

| file | holds |
|---|---|
| \`manifest.json\` | devices and sub-models in the order in which the fusion takes them, and every file here; its schema is \`manifest.schema.json\` |
| \`fusion.safetensors\` | the fusion: how features are centred and scaled, its layers, and the precision matrix that missing ones are estimated by |
| \`self-test.safetensors\` | \`<sub-model>.features\` of ${selfTest.examples} made-up examples, \`logits\` for them, and \`logits.without.<device>\` with one device missing |

With all devices there, for features \`f\` in the order above: \`z = (f - mean) * scale\`, then the layers; the outputs are logits, and
their softmax is the probability of each class. \`predict\` of BlockForge does it, also with devices missing.

Images, on every device: ${preprocessingText(preprocessing)}.

Made by BlockForge ${tool.version}.
`;
}
