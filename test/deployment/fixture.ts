import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeploymentInput, SubmodelInput } from '../../pipeline/deployment/input.ts';
import { writeDeployment } from '../../pipeline/deployment/write-deployment.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { profileScript } from '../../pipeline/profile/profile-file.ts';
import type { FusionHead } from '../../pipeline/submodels/fusion/fusion-head.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights } from '../support/checkpoints.ts';

const classes = 4;

/** Two layers of different shapes, cut out of a stream of 8 channels. */
const sliced: Architecture = {
  family: 'sliced-vit',
  imageSize: 8,
  patchSize: 4,
  channels: 3,
  width: 6,
  depth: 2,
  heads: 2,
  hidden: 7,
  classes: 3,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
  layers: [
    { heads: 2, keySize: 3, valueSize: 4, hidden: 7 },
    { heads: 1, keySize: 2, valueSize: 3, hidden: 5 },
  ],
  normWidth: 8,
};

function submodel(name: string, own: readonly number[], other: boolean, width: number): SubmodelInput {
  const architecture = { ...sliced, width, classes: own.length + Number(other) };
  return {
    name,
    classes: own,
    other,
    architecture,
    weights: () => Promise.resolve(strongWeights(architecture, own[0])),
  };
}

/** A fusion of random layers; its precision is that of features that hang together. */
export function randomFusion(widths: readonly number[], kind: FusionHead['kind'] = 'tower'): FusionHead {
  const width = widths.reduce((sum, own) => sum + own, 0);
  const draw = random(9, 'fusion');
  const values = (length: number, scale: number, centre = 0) =>
    Float32Array.from({ length }, () => centre + scale * draw.normal());
  const precision = new Float32Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      const value = i === j ? 2 : 0.05 * draw.normal();
      precision[i * width + j] = value;
      precision[j * width + i] = value;
    }
  }
  const layer = (inputs: number, outputs: number) => ({
    inputs,
    outputs,
    kernel: values(inputs * outputs, 0.5),
    bias: values(outputs, 0.5),
  });
  const half = Math.ceil(width / 2);
  return {
    kind,
    classes,
    widths,
    mean: values(width, 0.3),
    scale: values(width, 0.1, 1),
    precision,
    layers: kind === 'ridge' ? [layer(width, classes)] : [layer(width, half), layer(half, classes)],
    activation: 'gelu',
  };
}

/** Four classes on two devices, one of which hosts two sub-models; a third device that hosts nothing. */
export function deploymentInput(changes: Partial<DeploymentInput> = {}): DeploymentInput {
  const models = [
    submodel('submodel-00', [0, 2], true, 6),
    submodel('submodel-01', [1], true, 5),
    submodel('submodel-02', [3], true, 6),
  ];
  return {
    toolVersion: '0.1.0',
    name: 'two',
    seed: 4,
    engine: { name: 'wasm', version: 'tfjs-backend-wasm 4.22.0', device: 'cpu', threads: 1 },
    teacher: { sha256: sha256('teacher'), params: 50_000, macs: 900_000 },
    data: { selection: { images: 200, sha256: sha256('selection') } },
    preprocessing: {
      resize: 10,
      resizeMode: 'shortest',
      interpolation: 'bicubic',
      crop: 8,
      channels: 3,
      mean: [0.4, 0.5, 0.6],
      std: [0.5, 0.25, 0.5],
    },
    classes,
    classNames: ['cat', 'dog', 'bird | "x"', 'fish'],
    devices: [
      { name: 'pi-kitchen', models: ['submodel-00', 'submodel-02'], limits: { memoryBytes: 2 ** 26 } },
      { name: 'jetson', models: ['submodel-01'] },
      { name: 'idle', models: [] },
    ],
    models,
    fusion: randomFusion(models.map(({ architecture }) => architecture.width)),
    profileScript,
    measured: { top1Percent: 91.5 },
    config: { seed: 4, data: { path: '/somewhere/photos' } },
    ...changes,
  };
}

/** Writes the fixture's deployment into a fresh folder, on wasm. */
export async function writtenDeployment(
  input = deploymentInput(),
): Promise<{ path: string; remove: () => Promise<void> }> {
  await loadEngine('wasm');
  const folder = await mkdtemp(join(tmpdir(), 'blockforge-deployment-'));
  const path = join(folder, 'deployment-two');
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await writeDeployment(path, input);
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, remove };
}
