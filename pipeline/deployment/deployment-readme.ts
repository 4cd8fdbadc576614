import { formatBytes, formatCount } from '../util/format.ts';
import type { DeploymentManifest } from './deployment-manifest.ts';
import { classesText } from './device-readme.ts';

/** The README of a deployment, for someone who has this folder and nothing else. */
export function deploymentReadme(manifest: DeploymentManifest): string {
  const { name, devices, classes, classNames, tool, provenance } = manifest;
  const { teacher } = provenance;
  const names = classNames ?? Array.from({ length: classes }, (_, index) => `class ${index}`);
  const largest = Math.max(...devices.map(({ params }) => params));
  return `# ${name}: one classifier on ${devices.length} device${devices.length === 1 ? '' : 's'}

A Vision Transformer, too large for any one of these devices, was divided by its classes: every device has small models that know
some of the ${classes} classes (${classesText(names)}). Each sends one vector per image, and the coordinator fuses them.

| device | sub-models | parameters | weights | multiply-adds an image |
|---|---|---|---|---|
${devices
  .map(
    ({ name: device, models, params, sizeBytes, macs }) =>
      `| ${device} | ${models.join(', ')} | ${formatCount(params)} | ${formatBytes(sizeBytes)} | ${formatCount(macs)} |`,
  )
  .join('\n')}

The whole teacher has ${formatCount(teacher.params)} parameters and takes ${formatCount(teacher.macs)} multiply-adds an image: the largest device holds ${((100 * largest) / teacher.params).toFixed(1)} % of it.

| folder or file | goes to |
|---|---|
| \`devices/<device>/\` | that device, as a whole; it needs nothing else |
| \`coordinator/\` | whoever asks the devices |
| \`deployment.json\` | nobody: which sub-model is where, what was measured, and the hashes of the packages; its schema is \`deployment.schema.json\` |

With BlockForge: \`verify\` this folder or any package alone, \`profile\` a package on its device, \`serve devices/<device>\` there, and
\`predict\` here. Without: every package has a README of its own.

Made by BlockForge ${tool.version} with seed ${provenance.seed} on ${provenance.engine.version}, from the teacher with sha256 \`${teacher.sha256}\`.
`;
}
