import { writeDeployment } from '../../pipeline/deployment/write-deployment.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { profileScript } from '../../pipeline/profile/profile-file.ts';
import type { FusionHead } from '../../pipeline/submodels/fusion/fusion-head.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { random } from '../../pipeline/util/random.ts';
import { randomTeacher } from '../peers/random-teacher.ts';

const classesPerDevice = 10;

/** A ViT-Tiny/16 with half of every dimension left: 224 x 224 pixels in, 96 features out. */
const half: Architecture = {
  family: 'sliced-vit',
  imageSize: 224,
  patchSize: 16,
  channels: 3,
  width: 96,
  depth: 12,
  heads: 3,
  hidden: 384,
  classes: classesPerDevice + 1,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
  layers: Array.from({ length: 12 }, () => ({ heads: 3, keySize: 32, valueSize: 32, hidden: 384 })),
  normWidth: 192,
};

/** Writes a deployment of so many devices with a sub-model of random weights each, and a tower over their features. */
export async function randomDeployment(folder: string, devices: number): Promise<void> {
  await loadEngine('auto');
  const classes = devices * classesPerDevice;
  const models = Array.from({ length: devices }, (_, index) => ({
    name: `submodel-${String(index).padStart(2, '0')}`,
    classes: Array.from({ length: classesPerDevice }, (__, i) => index * classesPerDevice + i),
    other: true,
    architecture: half,
    weights: () => Promise.resolve(randomTeacher(half)),
  }));
  await writeDeployment(folder, {
    toolVersion: '0.0.0',
    name: `bench-${devices}`,
    seed: 1,
    engine: { name: 'tensorflow', version: 'bench', device: 'cpu', threads: 1 },
    teacher: { sha256: sha256('none'), params: 1, macs: 1 },
    data: {},
    preprocessing: {
      resize: 248,
      resizeMode: 'shortest',
      interpolation: 'bicubic',
      crop: 224,
      channels: 3,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
    classes,
    classNames: null,
    devices: models.map(({ name }, index) => ({ name: `device-${index}`, models: [name] })),
    models,
    fusion: randomTower(devices, classes),
    profileScript,
  });
}

function randomTower(devices: number, classes: number): FusionHead {
  const width = devices * half.width;
  const hidden = Math.max(classes, Math.round(width / 2));
  const draw = random(1, 'tower');
  const layer = (inputs: number, outputs: number) => ({
    inputs,
    outputs,
    kernel: Float32Array.from({ length: inputs * outputs }, () => draw.normal() / Math.sqrt(inputs)),
    bias: new Float32Array(outputs),
  });
  const precision = new Float32Array(width * width);
  for (let i = 0; i < width; i++) precision[i * width + i] = 1;
  return {
    kind: 'tower',
    classes,
    widths: Array.from({ length: devices }, () => half.width),
    mean: new Float32Array(width),
    scale: new Float32Array(width).fill(1),
    precision,
    layers: [layer(width, hidden), layer(hidden, classes)],
    activation: 'gelu',
  };
}
