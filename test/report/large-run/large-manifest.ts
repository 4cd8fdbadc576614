import { costsOfModel } from './model-costs.ts';
import type { Manifest } from '../../../pipeline/library/manifest.ts';
import { ffnBytes } from '../../../pipeline/library/manifest-parts.ts';
import { blockName, widthName } from '../../../pipeline/model/architecture.ts';
import { random } from '../../../pipeline/util/random.ts';
import { sha256 } from '../../../pipeline/util/hash.ts';

export const depth = 12;
export const hidden = 1536;
export const sparsities = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
export const widths = sparsities.map((sparsity) => Math.round((hidden * (1 - sparsity)) / 8) * 8);
export const images = 10_000;
const width = 384;
const draw = random(1, 'large run');

/** Points of top-1 that a block loses: early and late blocks matter more, and losses grow steeply. */
function lossPp(block: number, sparsity: number): number {
  const matters = 0.4 + 0.05 * Math.abs(block - 5.5) ** 1.5;
  return matters * (Math.exp(3.2 * sparsity ** 2) - 1) * (0.3 + sparsity) + 0.08 * draw.normal();
}

const interval = (mean: number, half: number) => ({ mean, low: mean - half, high: mean + half });
const around = (percent: number) => {
  const half = 196 * Math.sqrt(((percent / 100) * (1 - percent / 100)) / images);
  return { mean: percent, low: percent - half, high: percent + half };
};
const teacherPercent = 79.83;

/** Of a whole model that loses so many points. */
export function scoresOf(points: number) {
  const loss = Math.min(points, teacherPercent - 10);
  return {
    images,
    top1Percent: around(Math.max(1, teacherPercent - loss)),
    top1DeltaPp: interval(-loss, 0.25 + 0.02 * Math.abs(loss)),
    top5Percent: Math.max(5, 95 - loss / 2),
    kl: Math.max(0.0001, loss / 40),
    agreementPercent: Math.max(2, 99.5 - 1.4 * Math.abs(loss)),
  };
}

function delta(loss: number) {
  const { kl, agreementPercent } = scoresOf(loss);
  return {
    images,
    top1Pp: interval(-loss, 0.2 + 0.05 * Math.abs(loss)),
    kl,
    klIncrease: kl,
    agreementPercent,
  };
}

const file = (path: string, sizeBytes: number) => ({ path, sizeBytes, sha256: sha256(path) });
const own = delta(0);

function blockOf(index: number): Manifest['blocks'][number] {
  const name = blockName(index);
  const descendants = [hidden, ...widths].map(
    (units, place): Manifest['blocks'][number]['descendants'][number] => {
      const sparsity = place === 0 ? 0 : sparsities[place - 1]!;
      const loss = place === 0 ? 0 : Math.max(-0.1, lossPp(index, sparsity));
      const ms = 0.4 + (2.6 * units) / hidden + 0.03 * draw.next();
      const error = 0.002 * Math.exp(5 * sparsity);
      const isOwn = place === 0;
      return {
        id: `${name}/${widthName(units)}`,
        width: units,
        sparsity,
        params: 2 * units * width + units + width,
        macs: 2 * units * width * 197,
        latencyMs: { p50: ms, p90: 1.1 * ms },
        deltas: isOwn
          ? { teacher: own, middle: own, sparsest: own, average: own }
          : {
              teacher: delta(0.7 * loss),
              middle: delta(loss),
              sparsest: delta(1.3 * loss),
              average: delta(loss),
            },
        predictedError: isOwn ? 0 : error,
        heldOutError: isOwn ? null : { refit: 1.1 * error, final: 0.9 * error },
        ...(!isOwn && { refitStandardError: 0.04 * error, precision: 'bfloat16' as const }),
        gainOverRefit: isOwn ? null : 0.18,
        source: isOwn ? 'teacher' : 'distilled',
        rank: place,
        dominated: loss < 0,
        keptUnitsKey: widthName(units),
        file: file(`blocks/${name}/${widthName(units)}.safetensors`, ffnBytes({ width, hidden: units })),
      };
    },
  );
  return { index, name, hidden, keptUnits: file(`blocks/${name}/kept-units.json`, 40_000), descendants };
}

/** What a library of twelve blocks and nine widths says of itself, with made-up numbers that are like real ones. */
export function largeManifest(): Manifest {
  const blocks = Array.from({ length: depth }, (_, index) => blockOf(index));
  const descendantOf = (block: number, place: number) => blocks[block]!.descendants[place]!;
  const uniform = sparsities.map((sparsity, i) => {
    const chosen = blocks.map((_, block) => descendantOf(block, i + 1));
    const loss = chosen.reduce((sum, { deltas }) => sum - deltas.teacher.top1Pp.mean, 0);
    return {
      sparsity,
      descendants: chosen.map(({ id }) => id),
      ...costsOfModel(blocks, chosen),
      refit: scoresOf(1.35 * loss + 0.2),
      distilled: scoresOf(loss),
    };
  });
  const allocated = sparsities.map((sparsity, i) => {
    // Middle blocks a step narrower, the others a step wider.
    const places = blocks.map((_, block) =>
      Math.min(9, Math.max(0, i + 1 + (Math.abs(block - 5.5) < 3 ? 1 : -1))),
    );
    const chosen = places.map((place, block) => descendantOf(block, place));
    return {
      sparsity,
      costs: 'average' as const,
      descendants: chosen.map(({ id }) => id),
      ...costsOfModel(blocks, chosen),
      scores: scoresOf(0.7 * -uniform[i]!.distilled.top1DeltaPp.mean),
      versusUniformPp: interval(-0.3 * uniform[i]!.distilled.top1DeltaPp.mean, 0.3),
    };
  });
  const errors = { compositions: 64, spearman: 0.98, meanAbsoluteErrorPp: 0.9, maxAbsoluteErrorPp: 3.4 };
  const split = { all: errors, mild: { ...errors, compositions: 30 } };
  const predicted = { teacherSum: split, averageSum: split, predictor: split };
  const drawn = (name: string, count: number, from: 'train' | 'val') => ({
    images: count,
    sha256: sha256(name),
    from,
  });
  const entries = blocks.flatMap(({ index, descendants }) =>
    descendants.slice(1).map(({ id, dominated, deltas }, place) => ({
      ...{ id, block: index, overallRank: 9 * index + place + 1, rank: place + 1, tieGroup: place + 1 },
      savedPercent: 0.6 * (place + 1),
      lossPpPerPercent: -(deltas.average ?? deltas.teacher).top1Pp.mean / (0.6 * (place + 1)),
      ...{ dominated, dominatedBy: null },
    })),
  );
  return {
    $schema: 'manifest.schema.json',
    kind: 'blockforge-library',
    schemaVersion: 1,
    tool: { name: 'blockforge', version: '0.1.0' },
    seed: 1,
    engine: { name: 'tensorflow', version: 'TensorFlow 2.21.0', device: 'cpu', threads: 16 },
    config: { method: 'blocks', seed: 1, data: { source: 'folder' } },
    confidence: 0.95,
    teacher: {
      sha256: sha256('teacher'),
      architecture: {
        ...{ imageSize: 224, patchSize: 16, channels: 3, width, depth, heads: 6, hidden, classes: 10 },
        ...{ layerNormEpsilon: 1e-6, gelu: 'exact' as const },
      },
      preprocessing: {
        ...{ resize: 256, resizeMode: 'shortest', interpolation: 'bicubic', crop: 224, channels: 3 },
        ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
      },
      classNames: Array.from({ length: 10 }, (_, i) => `class <${i}> & "co"`),
      ...costsOfModel(
        blocks,
        blocks.map((_, block) => descendantOf(block, 0)),
      ),
      accuracy: { images, top1Percent: around(teacherPercent), top5Percent: 95 },
    },
    frame: file('frame.safetensors', 4 * 7_800_000),
    data: {
      calibration: drawn('calibration', 10_000, 'train'),
      selection: drawn('selection', images, 'train'),
      test: drawn('test', images, 'val'),
    },
    fitted: {
      calibration: 10_000,
      statistics: { training: 9000, heldOut: 1000 },
      refit: { training: 9000, heldOut: 1000 },
      distill: { training: 9000, heldOut: 1000, steps: { least: 4000, most: 4000 } },
    },
    latencyProfile: {
      ...{ cpuModel: 'a processor', engine: 'TensorFlow 2.21.0', device: 'cpu', threads: 16, batchSize: 1 },
      ...{ tokens: 197, warmup: 10, iterations: 100 },
    },
    blocks,
    contexts: [
      { name: 'teacher', width: hidden, ...scoresOf(0) },
      { name: 'middle', width: widths[4]!, ...scoresOf(4) },
      { name: 'sparsest', width: widths[8]!, ...scoresOf(40) },
    ],
    uniform,
    allocated,
    additivity: {
      images,
      ...predicted,
      imageNoisePp: { all: 0.3, mild: 0.25 },
      acrossImages: { images: images / 2, ...predicted, measured: split },
    },
    predictor: {
      kind: 'kl-curve',
      parameters: { ceilingPp: 79, scale: 0.8, exponent: 1.1 },
      crossValidated: split,
    },
    ranking: { resource: 'params', entries, json: file('ranking.json', 100), csv: file('ranking.csv', 100) },
    selfTest: { file: file('self-test.safetensors', 1000), input: 'input', vectors: 4, tolerance: 1e-4 },
  };
}
