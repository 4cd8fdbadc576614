import { join } from 'node:path';
import { describeFile } from '../library/listed-file.ts';
import { throughSchema } from '../library/through-schema.ts';
import { featureWidth } from '../model/architecture.ts';
import { writeSafetensors, type NamedArrays } from '../model/safetensors.ts';
import { fuse } from '../submodels/fusion/fuse.ts';
import { fusionToArrays } from '../submodels/fusion/fusion-arrays.ts';
import { requireFleet } from '../submodels/fusion/require-fleet.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { known } from '../util/known.ts';
import { random } from '../util/random.ts';
import {
  coordinatorJsonSchema,
  coordinatorManifestSchema,
  fusionPath,
  type CoordinatorManifest,
} from './coordinator-manifest.ts';
import { readFusionFile } from './coordinator.ts';
import { coordinatorReadme } from './coordinator-readme.ts';
import { coordinatorExamples, coordinatorTolerance, fusedRows } from './coordinator-self-test.ts';
import { selfTestPath } from './device-manifest.ts';
import type { DeploymentInput } from './input.ts';
import { deploymentSchemaVersion, provenanceOf } from './parts.ts';

/**
 * Writes the coordinator's package into `folder`.
 * @param devices those that host something, in their order
 * @throws BlockForgeError `library-invalid` where the fusion is of other sub-models; `gate-failed`, `out-of-space`
 */
export async function writeCoordinator(
  folder: string,
  devices: CoordinatorManifest['devices'],
  input: DeploymentInput,
): Promise<CoordinatorManifest> {
  const hosts = new Map(input.devices.flatMap(({ name, models }) => models.map((model) => [model, name])));
  const models = input.models.map(({ name, classes, other, architecture }) => ({
    name,
    device: known(hosts, name),
    classes: [...classes],
    other,
    featureWidth: featureWidth(architecture),
  }));
  requireFleet(input.fusion, { submodels: models, classes: input.classes }, `deployment ${input.name}`);
  const { tensors, metadata } = fusionToArrays(input.fusion);
  await writeSafetensors(join(folder, fusionPath), tensors, metadata);
  await writeSafetensors(
    join(folder, selfTestPath),
    await selfTestTensors(join(folder, fusionPath), { models, classes: input.classes, devices }, input.seed),
    { input: 'features of every model, one example a row' },
  );
  const manifest = throughSchema(coordinatorManifestSchema, {
    $schema: 'manifest.schema.json',
    kind: 'blockforge-coordinator',
    schemaVersion: deploymentSchemaVersion,
    tool: { name: 'blockforge', version: input.toolVersion },
    deployment: input.name,
    classes: input.classes,
    classNames: input.classNames === null ? null : [...input.classNames],
    preprocessing: JSON.parse(JSON.stringify(input.preprocessing)) as CoordinatorManifest['preprocessing'],
    devices,
    models,
    fusion: { file: await describeFile(folder, fusionPath) },
    selfTest: {
      file: await describeFile(folder, selfTestPath),
      examples: coordinatorExamples,
      tolerance: coordinatorTolerance,
    },
    provenance: provenanceOf(input),
  });
  await writeJsonAtomic(join(folder, 'manifest.schema.json'), coordinatorJsonSchema());
  await writeFileAtomic(join(folder, 'README.md'), coordinatorReadme(manifest));
  await writeJsonAtomic(join(folder, 'manifest.json'), manifest);
  return manifest;
}

/** Features as the fusion is used to, drawn around its mean, and what the fusion in the file makes of them. */
async function selfTestTensors(
  path: string,
  facts: Pick<CoordinatorManifest, 'models' | 'classes' | 'devices'>,
  seed: number,
): Promise<NamedArrays> {
  const head = await readFusionFile(path, facts);
  const draw = random(seed, 'coordinator-self-test');
  let start = 0;
  const features = facts.models.map(({ featureWidth }) => {
    const first = start;
    start += featureWidth;
    return Float32Array.from({ length: coordinatorExamples * featureWidth }, (_, place) => {
      const at = first + (place % featureWidth);
      const scale = head.scale[at]!;
      return head.mean[at]! + (scale > 0 ? draw.normal() / scale : 0);
    });
  });
  const rows = (missing?: string) => ({
    shape: [coordinatorExamples, facts.classes],
    data: fusedRows((vectors) => fuse(head, vectors), features, facts, missing),
  });
  return {
    ...Object.fromEntries(
      facts.models.map(({ name, featureWidth }, index) => [
        `${name}.features`,
        { shape: [coordinatorExamples, featureWidth], data: features[index]! },
      ]),
    ),
    logits: rows(),
    ...(facts.devices.length > 1 &&
      Object.fromEntries(facts.devices.map(({ name }) => [`logits.without.${name}`, rows(name)]))),
  };
}
