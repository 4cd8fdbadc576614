import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MeasuredDescendant } from '../../pipeline/measure/descendant.ts';
import { rankDescendants } from '../../pipeline/measure/rank.ts';
import { writeLibrary, type LibraryInput } from '../../pipeline/library/write.ts';
import type { DescendantInput } from '../../pipeline/library/write-blocks.ts';
import { profileScript } from '../../pipeline/profile/profile-file.ts';
import { blockName, widthName, type Architecture } from '../../pipeline/model/architecture.ts';
import { randomFfn as randomBlock, sliceFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import type { NamedArrays } from '../../pipeline/model/safetensors.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { random } from '../../pipeline/util/random.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { strongWeights } from '../support/checkpoints.ts';

const width = 12;
const hidden = 20;
const widths = [10, 5];

/** A teacher's block with random weights. */
export function randomFfn(seed: number): FfnWeights {
  const draw = random(seed, 'ffn');
  return randomBlock(width, hidden, () => draw.normal());
}

/** Everything but the blocks' weights. */
function frameWeights(architecture: Architecture): NamedArrays {
  return Object.fromEntries(
    Object.entries(strongWeights(architecture)).filter(([name]) => !name.includes('.mlp.')),
  );
}

function descendantInput(block: number, count: number): DescendantInput {
  const order = random(block, 'order').shuffle(Array.from({ length: hidden }, (_, unit) => unit));
  const own = count === hidden;
  const keptUnits = own ? [...order].sort((a, b) => a - b) : order.slice(0, count);
  const loss = own ? 0 : (hidden - count) / 10 + block / 20;
  const delta = (times: number) => ({
    images: 200,
    top1Pp: own
      ? { mean: 0, low: 0, high: 0 }
      : { mean: -loss * times, low: -loss * times - 0.4, high: -loss * times + 0.4 },
    kl: (loss * times) / 10,
    klIncrease: (loss * times) / 10,
    agreementPercent: 100 - loss * times,
  });
  const record: MeasuredDescendant = {
    id: `${blockName(block)}/${widthName(count)}`,
    width: count,
    sparsity: 1 - count / hidden,
    params: 2 * count * width + count + width,
    macs: 2 * count * width * 5,
    latencyMs: { p50: count / 100, p90: count / 90 },
    deltas: { teacher: delta(1), sparsest: delta(2), average: delta(1.5) },
    predictedError: own ? 0 : 0.1 * loss,
    heldOutError: own ? { refit: 0, final: 0 } : { refit: 0.1 * loss, final: 0.08 * loss },
    ...(!own && { refitStandardError: 0.01 * loss }),
    gainOverRefit: own ? null : 0.2,
    ...(!own && { precision: 'bfloat16' as const }),
    source: own ? 'teacher' : 'distilled',
  };
  return { record, keptUnits, weights: () => Promise.resolve(sliceFfn(randomFfn(block), keptUnits)) };
}

/** A library of two small blocks, three descendants each. */
export function libraryInput(changes: Partial<Architecture> = {}): LibraryInput {
  const blocks = [0, 1].map((block) => ({
    descendants: [hidden, ...widths].map((count) => descendantInput(block, count)),
  }));
  const candidates = blocks.flatMap(({ descendants }, block) =>
    descendants.slice(1).map(({ record }) => ({ block, ...record })),
  );
  const top1 = { mean: 80, low: 74, high: 85 };
  const scores = { images: 200, top1Percent: top1, kl: 0.01, agreementPercent: 99 };
  const errors = { compositions: 32, spearman: 0.98, meanAbsoluteErrorPp: 1.25, maxAbsoluteErrorPp: 4 };
  const splitErrors = { all: errors, mild: { ...errors, compositions: 9 } };
  const predicted = { teacherSum: splitErrors, averageSum: splitErrors, predictor: splitErrors };
  const measured = { ...scores, top1DeltaPp: { mean: -1, low: -3, high: 0.5 } };
  const split = (name: string, images: number) => ({ images, sha256: sha256(name) });
  const architecture: Architecture = {
    imageSize: 8,
    patchSize: 4,
    channels: 1,
    width,
    depth: 2,
    heads: 3,
    hidden,
    classes: 4,
    layerNormEpsilon: 1e-6,
    gelu: 'exact',
    ...changes,
  };
  const channels = architecture.channels;
  return {
    toolVersion: '0.1.0',
    forms: ['onnx'],
    profileScript,
    seed: 4,
    engine: { name: 'wasm', version: 'tfjs-backend-wasm 4.22.0', device: 'cpu', threads: 1 },
    config: { seed: 4, data: { path: '/somewhere/photos', source: 'folder' } },
    confidence: 0.95,
    teacher: {
      sha256: sha256('teacher'),
      architecture,
      preprocessing: {
        resize: null,
        resizeMode: 'shortest',
        interpolation: 'bicubic',
        crop: 8,
        channels,
        mean: new Array<number>(channels).fill(0.5),
        std: new Array<number>(channels).fill(0.5),
      },
      classNames: null,
      params: 5000,
      macs: 90_000,
      accuracy: { images: 200, top1Percent: top1 },
    },
    fitted: {
      calibration: 400,
      statistics: { training: 320, heldOut: 80 },
      refit: { training: 320, heldOut: 80 },
      distill: { training: 320, heldOut: 80, steps: { least: 100, most: 100 } },
    },
    data: {
      calibration: split('calibration', 400),
      selection: split('selection', 200),
      test: split('test', 100),
    },
    latencyProfile: {
      cpuModel: 'a processor',
      engine: 'wasm',
      device: 'cpu',
      threads: 1,
      batchSize: 1,
      tokens: 5,
      warmup: 1,
      iterations: 3,
    },
    uniform: widths.map((count) => ({
      sparsity: 1 - count / hidden,
      descendants: [0, 1].map((block) => `${blockName(block)}/w${String(count).padStart(4, '0')}`),
      params: 4000,
      macs: 70_000,
      refit: { ...scores, top1DeltaPp: { mean: -2, low: -4, high: -1 } },
      distilled: { ...scores, top1DeltaPp: { mean: -1, low: -3, high: 0.5 } },
    })),
    contexts: [
      { name: 'teacher', width: hidden, ...measured },
      { name: 'sparsest', width: widths[1]!, ...measured },
    ],
    allocated: [
      {
        sparsity: 0.5,
        costs: 'average',
        descendants: ['block-00/w0005', 'block-01/w0010'],
        params: 3900,
        macs: 65_000,
        scores: measured,
        versusUniformPp: { mean: 0.5, low: -0.5, high: 1.5 },
      },
    ],
    additivity: {
      images: 200,
      ...predicted,
      imageNoisePp: { all: 1.25, mild: null },
      acrossImages: { images: 100, ...predicted, measured: splitErrors },
    },
    predictor: {
      kind: 'kl-curve',
      parameters: { ceilingPp: 55, scale: 0.7, exponent: 1.1 },
      crossValidated: splitErrors,
    },
    frame: () => Promise.resolve(frameWeights(architecture)),
    blocks,
    resource: 'params',
    ranked: rankDescendants(
      candidates,
      blocks.map(({ descendants }) => descendants[0]!.record),
      'params',
    ),
  };
}

/** A fresh folder below the system's temporary one; `remove` deletes it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'blockforge-library-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Writes the fixture's library into a fresh folder, on wasm. */
export async function writtenLibrary(
  input = libraryInput(),
): Promise<{ path: string; remove: () => Promise<void> }> {
  await loadEngine('wasm');
  const folder = await temporaryFolder();
  await writeLibrary(folder.path, input);
  return folder;
}
