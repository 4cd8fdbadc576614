/**
 * What DeViT costs at the size of its paper: ViT-L/16 and the distilled DeiT-B/16 with four sub-models of 1.48 GMACs each, by random
 * weights: sizes, ONNX Runtime's latencies, and one step of distillation with the teacher asked on the very pixels and relations in
 * the middle layer (time, images a second, peak memory).
 *
 *     npm run bench -- devit-sizes [--teacher vit_large_patch16_224] [--batch 8] [--steps 3] [--rounds 10]
 *
 * The steps include no augmentation of photographs; the images are noise. Sub-models are uniform slices, of which every extent counts
 * and no value does.
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { featureWidth, type Architecture } from '../pipeline/model/architecture.ts';
import { modelCosts } from '../pipeline/model/costs.ts';
import { architectureOf } from '../pipeline/slicing/shape.ts';
import { uniformShape } from '../pipeline/slicing/search-shape.ts';
import { dekdTraining } from '../pipeline/submodels/training/dekd-training.ts';
import type { ImageStore } from '../pipeline/submodels/training/image-store.ts';
import { trainSubmodel } from '../pipeline/submodels/training/train-submodel.ts';
import type { SubmodelTrainTask } from '../pipeline/submodels/training/training-task.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import { renderTable } from '../pipeline/terminal/table.ts';
import { formatBytes, formatCount } from '../pipeline/util/format.ts';
import { measureLatencies, type Subject } from './ed-vit-b16/latencies.ts';
import { architectureNamed, randomTeacher } from './peers/random-teacher.ts';
import { sampleRss } from './support/sample-rss.ts';

const { values } = parseArgs({
  options: {
    teacher: { type: 'string', default: 'vit_large_patch16_224,deit_base_distilled_patch16_224' },
    batch: { type: 'string', default: '8' },
    steps: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '10' },
  },
});
const batchSize = Number(values.batch);
const steps = Number(values.steps);
const subModels = 4;
/** Of one sub-model of the paper, and of each of its tables' images. */
const published = { macs: 1.48e9, trainingImages: 1_281_167, epochs: 100 };

/** Few classes, so that the looks at held-out images cost little: they change nothing of a step. */
const stepClasses = { own: [0, 1], all: 4 };

for (const name of values.teacher.split(',')) await sizeOf(name);

async function sizeOf(name: string): Promise<void> {
  const architecture = architectureNamed(name);
  const teacher = randomModel(name, architecture);
  const classes = architecture.classes / subModels;
  const shape = uniformShape({
    whole: architecture,
    classes: classes + 1,
    limits: { macs: published.macs, sizeBytes: Infinity },
    multiple: 8,
  });
  const submodel = randomModel('a sub-model', architectureOf(architecture, shape, classes + 1));
  const { version, latencies } = await measureLatencies(both(teacher, submodel), Number(values.rounds));
  const step = await stepOf(architecture, architectureOf(architecture, shape));
  const [whole, part] = latencies;
  const rows = [teacher, submodel].map(({ name, architecture }, index) => {
    const { params, sizeBytes, macs } = modelCosts(architecture);
    return [
      name,
      String(architecture.width),
      formatCount(params),
      formatBytes(sizeBytes),
      formatCount(macs),
      (latencies[index]?.p50 ?? NaN).toFixed(1),
    ];
  });
  const hours = (published.trainingImages * published.epochs) / subModels / step.imagesPerSecond / 3600;
  console.log(
    [
      ...renderTable(
        [
          { title: 'model' },
          ...['width', 'parameters', 'size', 'MACs', 'p50 ms'].map((title) => ({
            title,
            align: 'right' as const,
          })),
        ],
        rows,
      ),
      `one image, one thread, ONNX Runtime ${version}, ${cpus()[0]?.model ?? '?'}: the teacher takes ${((whole?.p50 ?? NaN) / (part?.p50 ?? NaN)).toFixed(1)} times a sub-model's time`,
      `a step of ${batchSize} images: ${step.seconds.toFixed(2)} s (${step.imagesPerSecond.toFixed(2)} images a second), peak memory ${formatBytes(step.peakBytes)} of ${formatBytes(totalmem())}, ${step.engine}`,
      `so ${published.epochs} epochs over a quarter of ImageNet-1k take a sub-model about ${hours.toFixed(0)} hours on this machine`,
      '',
    ].join('\n'),
  );
}

async function* both(...subjects: readonly Subject[]): AsyncGenerator<Subject> {
  for (const subject of subjects) yield await Promise.resolve(subject);
}

function randomModel(name: string, architecture: Architecture): Subject {
  return { name, architecture, weights: randomTeacher(architecture) };
}

/** Steps of a whole training on noise; the first ones, which record the functions, are not counted. */
async function stepOf(teacher: Architecture, submodel: Architecture) {
  const engine = await loadEngine('tensorflow');
  const rates: number[] = [];
  const rss = sampleRss(50);
  await trainSubmodel(
    taskOf(
      randomModel('teacher', { ...teacher, classes: stepClasses.all }),
      randomModel('sub-model', { ...submodel, classes: stepClasses.own.length + 1 }),
      (rate) => rates.push(rate),
    ),
  );
  const { peakBytes } = rss.stop();
  const imagesPerSecond = Math.max(...rates);
  return { seconds: batchSize / imagesPerSecond, imagesPerSecond, peakBytes, engine: engine.description };
}

function taskOf(
  teacher: Subject,
  { architecture, weights }: Subject,
  onRate: (imagesPerSecond: number) => void,
): SubmodelTrainTask {
  const classes = stepClasses.all;
  const images = noiseStore(Math.max(2 * batchSize, 4 * classes), classes);
  const width = featureWidth(teacher.architecture);
  return {
    name: 'noise',
    architecture,
    weights,
    subset: { classes: stepClasses.own, other: true },
    images,
    targets: {
      classes,
      width,
      logits: new Float32Array(images.count * classes),
      features: new Float32Array(images.count * width),
    },
    teacher,
    settings: { ...dekdTraining, batchSize, duration: { steps } },
    seed: 1,
    signal: new AbortController().signal,
    checkpoint: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
    onProgress: ({ metrics }) => onRate(metrics['imagesPerSecond'] ?? 0),
  };
}

/** Images of noise of 224 px, equally many of each class. */
function noiseStore(count: number, classes: number): ImageStore {
  const [size, channels] = [224, 3] as const;
  return {
    count,
    labels: Int32Array.from({ length: count }, (_, image) => image % classes),
    preprocessing: {
      resize: null,
      resizeMode: 'shortest',
      interpolation: 'bicubic',
      crop: size,
      channels,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
    read(places) {
      const chosen = Array.from(places);
      return Promise.resolve({
        ids: chosen.map(String),
        labels: Int32Array.from(chosen, (place) => place % classes),
        pixels: Uint8Array.from(
          { length: chosen.length * size * size * channels },
          (_, i) => (i * 2654435761) >>> 24,
        ),
        count: chosen.length,
        size,
        channels,
      });
    },
  };
}
