// @ts-check
/**
 * Measures what a library's parts, or the sub-models of a device's package, take on this machine under ONNX Runtime, and writes
 * a latency profile. Copied into each of them as `profile.mjs`, it needs Node.js and the package onnxruntime-node, nothing else:
 *
 *     npm install onnxruntime-node && node profile.mjs --name my-board
 *
 * What is measured, per batch size, every subject once a round and each round in a new order, so that drift of the
 * clock, heat and neighbours meet all alike:
 * - every width of the FFN blocks, in the graph of one descendant of that width (of every kind of blocks, where these differ in
 *   tokens or width of the stream): over all tokens, and over those that the last block sees;
 * - the frame: the whole model, given FFN blocks of one hidden unit;
 * - composed models, uniform ones and random mixtures, given random weights: time does not depend on the values. They are
 *   what "frame + blocks" is compared with, and calibrated by. A runtime that exchanges blocks gives weights at every run,
 *   too, and ONNX Runtime cannot pack those beforehand as it packs the weights of a graph (a ViT-Tiny takes some 5 to 10 %
 *   longer for it): models are measured with it, blocks alone without it, and the calibration carries the difference.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * @typedef {import('./profile-file.ts').Profile} Profile
 * @typedef {import('./profile-file.ts').ProfileBatch} ProfileBatch
 * @typedef {import('./device-profile.ts').DeviceProfile} DeviceProfile
 * @typedef {import('onnxruntime-node')} OnnxRuntime
 * @typedef {import('onnxruntime-node').Tensor} Tensor
 *
 * @typedef {object} Parts What a runtime runs for one batch size; both return when the result is there.
 * @property {(widths: readonly number[]) => unknown} model one hidden-unit count per block
 * @property {(block: number, width: number, last: boolean) => unknown} block
 *
 * @typedef {object} BlockShape A block of the model.
 * @property {readonly number[]} widths hidden units of its descendants, widest first
 * @property {number} stream D
 * @property {number} tokens T, per image
 *
 * @typedef {{ readonly p50: number, readonly p90: number }} Quantiles Milliseconds.
 *
 * @typedef {object} Rounds
 * @property {number} warmup rounds that are not counted
 * @property {number} iterations rounds that are
 * @property {AbortSignal | undefined} [signal]
 * @property {((fraction: number, secondsLeft: number) => void) | undefined} [onProgress]
 *
 * @typedef {object} Measurable A whole model by its graph, which takes `images`.
 * @property {string} name
 * @property {string} path
 * @property {number} macs multiply-adds an image
 * @property {{ imageSize: Geometry['imageSize'], channels: number }} architecture
 *
 * @typedef {Rounds & {
 *   folder: string, batchSizes: readonly number[], threads: number, name?: string | undefined,
 * }} Options
 */

export const defaults = { batchSizes: [1, 8], warmup: 5, iterations: 40 };
const randomCompositions = 8;

/**
 * @param {Options} options
 * @returns {Promise<Profile>}
 */
export async function measureOnnx({ folder, batchSizes, threads, name, ...rounds }) {
  const { manifest, sha256 } = readManifest(folder, 'blockforge-library');
  const runtime = await loadRuntime();
  const { architecture } = manifest.teacher;
  const shapes = shapesOf(manifest);
  const settings = settingsOf(threads);
  const open = (/** @type {string} */ path) => runtime.InferenceSession.create(join(folder, path), settings);
  const frame = await open(manifest.onnx.frame.path);
  /** @type {Map<string, Awaited<ReturnType<typeof open>>>} */
  const blocks = new Map();
  const keyOf = (/** @type {number} */ block, /** @type {number} */ width) =>
    `${shapes[block]?.stream} ${width}`;
  for (const { index, descendants } of manifest.blocks) {
    for (const { width, onnx } of descendants) {
      const key = keyOf(index, width);
      if (!blocks.has(key)) blocks.set(key, await open(onnx.path));
    }
  }
  const weights = randomWeights(runtime, shapes, architecture.gated === true);
  const lastTokens = tokensOf(architecture, shapes.length - 1).last;

  try {
    const batches = await measureBatches(shapes, batchSizes, rounds, (batch) => {
      const images = imagesOf(runtime, architecture, batch);
      /** @type {Map<string, Tensor>} */
      const streams = new Map();
      const rows = (/** @type {number} */ count, /** @type {number} */ width) => {
        const key = `${count} ${width}`;
        const found = streams.get(key) ?? new runtime.Tensor('float32', noise(count * width), [count, width]);
        streams.set(key, found);
        return found;
      };
      return {
        model: (chosen) => frame.run({ images, ...weights(chosen) }),
        block(index, chosen, isLast) {
          const { stream, tokens } = /** @type {BlockShape} */ (shapes[index]);
          return blocks
            .get(keyOf(index, chosen))
            ?.run({ tokens: rows(batch * (isLast ? lastTokens : tokens), stream) });
        },
      };
    });
    return describe('onnxruntime', versionOf(runtime), {
      threads,
      name,
      sha256,
      batches,
      ...rounds,
    });
  } finally {
    for (const session of [frame, ...blocks.values()]) await session.release();
  }
}

/**
 * Measures the sub-models of a device's package, one image at a time; every model once a round.
 * @param {Omit<Options, 'batchSizes'>} options
 * @returns {Promise<DeviceProfile>}
 */
export async function measureDevice({ folder, threads, name, ...rounds }) {
  const { manifest, sha256 } = readManifest(folder, 'blockforge-device');
  const models = /** @type {Measurable[]} */ (
    manifest.models.map((/** @type {any} */ { name: own, architecture, macs, onnx }) => ({
      name: own,
      path: join(folder, onnx.path),
      architecture,
      macs,
    }))
  );
  const measured = await measureModels(models, { threads, ...rounds });
  const rate = (/** @type {number} */ macs, /** @type {number} */ ms) => round((1e3 * macs) / ms);
  const sum = (/** @type {readonly number[]} */ values) => values.reduce((total, value) => total + value, 0);
  return {
    kind: 'blockforge-device-profile',
    schemaVersion: 1,
    manifestSha256: sha256,
    device: deviceFacts('onnxruntime', name),
    runtime: { name: 'onnxruntime', version: measured.version, threads },
    warmup: rounds.warmup,
    iterations: rounds.iterations,
    models: models.map(({ name: own, macs }, i) => {
      const times = /** @type {Quantiles} */ (measured.times[i]);
      return { name: own, macs, ...times, macsPerSecond: rate(macs, times.p50) };
    }),
    // An image goes through all of them.
    macsPerSecond: rate(sum(models.map(({ macs }) => macs)), sum(measured.times.map(({ p50 }) => p50))),
  };
}

/**
 * Measures whole models, one image at a time; every model once a round.
 * @param {readonly Omit<Measurable, 'name' | 'macs'>[]} models
 * @param {Rounds & { threads: number }} options
 * @returns {Promise<{ version: string, times: Quantiles[] }>} of ONNX Runtime; in the order of the models
 */
export async function measureModels(models, { threads, ...rounds }) {
  const runtime = await loadRuntime();
  /** @type {import('onnxruntime-node').InferenceSession[]} */
  const sessions = [];
  try {
    for (const { path } of models)
      sessions.push(await runtime.InferenceSession.create(path, settingsOf(threads)));
    const subjects = models.map(({ architecture }, i) => {
      const images = imagesOf(runtime, architecture, 1);
      return () => sessions[i]?.run({ images });
    });
    const times = await timeRounds(subjects, rounds);
    return {
      version: versionOf(runtime),
      times: times.map((list) => ({ p50: round(quantile(list, 0.5)), p90: round(quantile(list, 0.9)) })),
    };
  } finally {
    for (const session of sessions) await session.release();
  }
}

/** @param {number} threads */
function settingsOf(threads) {
  // Without the last entry the threads of one session would go on spinning while another is measured.
  const extra = { session: { force_spinning_stop: '1' } };
  return { intraOpNumThreads: threads, interOpNumThreads: 1, extra };
}

/**
 * @param {OnnxRuntime} runtime
 * @param {Pick<Measurable['architecture'], 'imageSize' | 'channels'>} architecture
 * @param {number} batch
 */
function imagesOf(runtime, { imageSize, channels }, batch) {
  const [down, across] = /** @type {[number, number]} */ (sidesOf(imageSize));
  const values = noise(batch * channels * down * across);
  return new runtime.Tensor('float32', values, [batch, channels, down, across]);
}

/** @param {OnnxRuntime} runtime */
function versionOf(runtime) {
  const { node, common } = /** @type {Record<string, string | undefined>} */ (runtime.env.versions);
  return node ?? common ?? 'unknown';
}

/**
 * Of images: a number for a square, else [height, width].
 * @typedef {{
 *   imageSize: number | readonly [number, number], patchSize: number, pool?: string | undefined, distilled?: boolean | undefined,
 *   classToken?: false | undefined, registers?: number | undefined, reads?: string | undefined,
 *   stages?: readonly { depth: number, width: number, hidden: number }[] | undefined,
 * }} Geometry
 */

/** @param {Geometry['imageSize']} imageSize */
function sidesOf(imageSize) {
  return typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize;
}

/**
 * Tokens per image that block `block` sees, and that the last one does, by family of models: this file knows no other code.
 * @type {Record<string, (architecture: Geometry, block: number) => { all: number, last: number }>}
 */
const tokensByFamily = {
  vit: (sizes) => withPrefix(sizes, (sizes.classToken === false ? 0 : 1) + (sizes.registers ?? 0), 1),
  deit: (sizes) => withPrefix(sizes, 2, sizes.reads === undefined ? 2 : 1),
  cct: (sizes) => {
    const { all } = withPrefix(sizes, 0);
    return { all, last: all };
  },
  swin: ({ imageSize, patchSize, stages = [] }, block) => {
    const [rows = 0] = sidesOf(imageSize);
    const tokens = (/** @type {number} */ at) => (rows / patchSize / 2 ** stageOf(stages, at)) ** 2;
    const depth = stages.reduce((sum, stage) => sum + stage.depth, 0);
    return { all: tokens(block), last: tokens(depth - 1) };
  },
  'sliced-vit': (sizes) => withPrefix(sizes, sizes.distilled === true ? 2 : 1),
};

/** Of a block. @param {readonly { depth: number }[]} stages @param {number} block */
function stageOf(stages, block) {
  let first = 0;
  return stages.findIndex(({ depth }) => block < (first += depth));
}

/**
 * With so many tokens before the patches, of which heads of single tokens read the first so many.
 * @param {Geometry} architecture
 * @param {number} prefix
 * @param {number} [read]
 */
function withPrefix({ imageSize, patchSize, pool }, prefix, read = prefix) {
  const [rows, columns] = sidesOf(imageSize);
  const all = (rows / patchSize) * (columns / patchSize) + prefix;
  return { all, last: pool === undefined ? read : all };
}

/** @param {Geometry & { family?: string | undefined }} architecture @param {number} block */
export function tokensOf({ family = 'vit', ...sizes }, block) {
  const tokens = Object.hasOwn(tokensByFamily, family) ? tokensByFamily[family] : undefined;
  if (tokens === undefined) throw new Error(`nothing is known of the tokens of the family ${family}`);
  return tokens(sizes, block);
}

/**
 * The measurement itself, for any runtime.
 * @param {readonly BlockShape[]} shapes of every block
 * @param {readonly number[]} batchSizes
 * @param {Rounds} rounds
 * @param {(batchSize: number) => Parts} prepare
 * @returns {Promise<ProfileBatch[]>}
 */
export async function measureBatches(shapes, batchSizes, { onProgress, ...rounds }, prepare) {
  const sizes = [...new Set(batchSizes)].sort((a, b) => a - b);
  const compositions = drawCompositions(shapes.map(({ widths }) => widths));
  const groups = likeBlocks(shapes);
  const inner = groups.flatMap((group) => group.widths.map((width) => ({ ...group, width })));
  const lastBlock = shapes.length - 1;
  const last = groups.filter(({ blocks }) => blocks.includes(lastBlock)).flatMap(({ widths }) => widths);
  const batches = [];
  // What is left takes longer in proportion to the batch, about.
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let done = 0;
  const start = performance.now();
  for (const batchSize of sizes) {
    const { model, block } = prepare(batchSize);
    const subjects = [
      () => model(new Array(shapes.length).fill(1)),
      ...inner.map(
        ({ width, first }) =>
          () =>
            block(first, width, false),
      ),
      ...last.map((width) => () => block(lastBlock, width, true)),
      ...compositions.map((chosen) => () => model(chosen)),
    ];
    const times = await timeRounds(subjects, {
      ...rounds,
      onProgress: (fraction) => {
        const share = (done + fraction * batchSize) / total;
        onProgress?.(share, ((performance.now() - start) / 1e3) * (1 / share - 1));
      },
    });
    done += batchSize;
    const [frame, ...others] = /** @type {[Quantiles, ...Quantiles[]]} */ (
      times.map((list) => ({ p50: round(quantile(list, 0.5)), p90: round(quantile(list, 0.9)) }))
    );
    const count = inner.length + last.length;
    const timeAt = (/** @type {number} */ i) => /** @type {Quantiles} */ (others[i]);
    const parts = {
      frame,
      widths: inner.map(({ width, blocks }, i) => ({
        width,
        ...(groups.length > 1 && { blocks }),
        ...timeAt(i),
      })),
      lastWidths: last.map((width, i) => ({ width, ...timeAt(inner.length + i) })),
    };
    const measured = others
      .slice(count)
      .map((quantiles, i) => ({ widths: /** @type {number[]} */ (compositions[i]), ...quantiles }));
    batches.push({ batchSize, ...parts, ...checkAdditivity(parts, measured) });
  }
  return batches;
}

/**
 * Runs every subject once a round, each round in a new order. -> milliseconds of the counted rounds, by subject
 * @param {readonly (() => unknown)[]} subjects
 * @param {Rounds} rounds
 */
export async function timeRounds(subjects, { warmup, iterations, signal, onProgress }) {
  const timed = subjects.map((run) => ({ run, milliseconds: new Float64Array(iterations) }));
  const draw = generator(7);
  const order = [...timed];
  const start = performance.now();
  for (let index = 0; index < warmup + iterations; index++) {
    for (const { run, milliseconds } of shuffle(order, draw)) {
      const begin = performance.now();
      await run();
      if (index >= warmup) milliseconds[index - warmup] = performance.now() - begin;
      // Where nothing waits for the disk or a timer, this is what lets Ctrl-C through.
      await setImmediate();
      signal?.throwIfAborted();
    }
    const fraction = (index + 1) / (warmup + iterations);
    onProgress?.(fraction, ((performance.now() - start) / 1e3) * (1 / fraction - 1));
  }
  return timed.map(({ milliseconds }) => milliseconds);
}

/**
 * "Frame + blocks" against whole models: a line fitted to every other composition (by size), its error on the rest.
 * @param {Pick<ProfileBatch, 'frame' | 'widths' | 'lastWidths'>} parts
 * @param {readonly { widths: number[], p50: number, p90: number }[]} measured
 * @returns {Pick<ProfileBatch, 'composed' | 'calibration'>}
 */
export function checkAdditivity({ frame, widths, lastWidths }, measured) {
  const timeOf = (/** @type {number} */ block, /** @type {number} */ width, /** @type {boolean} */ isLast) =>
    (isLast ? lastWidths : widths).find(
      (item) => item.width === width && (item.blocks?.includes(block) ?? true),
    )?.p50 ?? NaN;
  const predict = (/** @type {readonly number[]} */ chosen) =>
    chosen.reduce((sum, width, block) => sum + timeOf(block, width, block === chosen.length - 1), frame.p50);
  const size = (/** @type {readonly number[]} */ chosen) => chosen.reduce((sum, width) => sum + width, 0);
  const models = [...measured]
    .sort((a, b) => size(b.widths) - size(a.widths))
    .map((model, i) => ({
      ...model,
      predictedMs: predict(model.widths),
      use: /** @type {'fit' | 'check'} */ (i % 2 === 0 ? 'fit' : 'check'),
    }));
  const pairs = (/** @type {string} */ use) =>
    models
      .filter((model) => model.use === use)
      .map(({ predictedMs, p50 }) => /** @type {const} */ ([predictedMs, p50]));
  const least = Math.min(...models.map(({ predictedMs }) => predictedMs));
  const { scale, offsetMs } = fitLine(pairs('fit'), least);
  const error = (/** @type {(predicted: number) => number} */ correct) => {
    const shares = pairs('check').map(([predicted, p50]) => Math.abs(correct(predicted) - p50) / p50);
    return round((100 * shares.reduce((sum, share) => sum + share, 0)) / shares.length);
  };
  const calibrated = (/** @type {number} */ predicted) => offsetMs + scale * predicted;
  return {
    composed: models.map(({ widths: chosen, predictedMs, p50, p90, use }) => ({
      widths: chosen,
      predictedMs: round(predictedMs),
      calibratedMs: round(calibrated(predictedMs)),
      p50,
      p90,
      use,
    })),
    calibration: {
      scale,
      offsetMs,
      meanAbsoluteErrorPercent: { before: error((predicted) => predicted), after: error(calibrated) },
    },
  };
}

/**
 * Least squares, y = offsetMs + scale x. Where noise would have a wider model be the faster one, or one of `least` take no time,
 * a line through the origin.
 * @param {readonly (readonly [number, number])[]} points [x, y]
 * @param {number} least the smallest x that will be asked for
 */
export function fitLine(points, least) {
  const mean = (/** @type {0 | 1} */ axis) =>
    points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const sum = (/** @type {(dx: number, dy: number) => number} */ of) =>
    points.reduce((total, point) => total + of(point[0] - x, point[1] - y), 0);
  const scale = sum((dx, dy) => dx * dy) / sum((dx) => dx * dx);
  const offsetMs = y - scale * x;
  if (scale > 0 && offsetMs + scale * least > 0) return { scale, offsetMs };
  const products = (/** @type {0 | 1} */ axis) =>
    points.reduce((total, point) => total + point[0] * point[axis], 0);
  return { scale: products(1) / products(0), offsetMs: 0 };
}

/**
 * Every uniform model and random mixtures, each once as far as there are enough; at least two.
 * @param {readonly (readonly number[])[]} widths by block, widest first
 * @returns {number[][]}
 */
export function drawCompositions(widths) {
  const draw = generator(11);
  const levels = Math.max(...widths.map(({ length }) => length));
  const at = (/** @type {readonly number[]} */ own, /** @type {number} */ level) =>
    /** @type {number} */ (own[Math.min(level, own.length - 1)]);
  const chosen = Array.from({ length: levels }, (_, level) => widths.map((own) => at(own, level)));
  const seen = new Set(chosen.map(String));
  const wanted = levels + randomCompositions;
  for (let attempt = 0; attempt < 100 * wanted && chosen.length < wanted; attempt++) {
    const mixture = widths.map((own) => at(own, Math.floor(draw() * own.length)));
    if (!seen.has(String(mixture))) chosen.push(mixture);
    seen.add(String(mixture));
  }
  return chosen.length > 1 ? chosen : [...chosen, ...chosen];
}

/** By linear interpolation between the order statistics. @param {Float64Array} values @param {number} share */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  const at = (/** @type {number} */ index) => /** @type {number} */ (sorted[index]);
  return at(below) + (place - below) * (at(above) - at(below));
}

/**
 * The finished profile.
 * @param {'onnxruntime' | 'tfjs'} runtime
 * @param {string} version
 * @param {{ threads: number, name?: string | undefined, sha256: string, batches: ProfileBatch[], warmup: number, iterations: number }} measured
 * @returns {Profile}
 */
export function describe(runtime, version, { threads, name, sha256, batches, warmup, iterations }) {
  return {
    kind: 'blockforge-profile',
    schemaVersion: 1,
    manifestSha256: sha256,
    device: deviceFacts(runtime, name),
    runtime: { name: runtime, version, threads },
    warmup,
    iterations,
    batches,
  };
}

/** This machine. @param {string} runtime @param {string | undefined} name */
function deviceFacts(runtime, name) {
  const cpuModel = cpus()[0]?.model.trim() || `${platform()} ${arch()}`;
  return {
    name: name ?? defaultName(runtime, cpuModel),
    cpuModel,
    logicalCores: cpus().length || availableParallelism(),
    memoryBytes: totalmem(),
    platform: platform(),
    arch: arch(),
  };
}

/** "onnxruntime-intel-core-i7" @param {string} runtime @param {string} cpuModel */
function defaultName(runtime, cpuModel) {
  const words = cpuModel.toLowerCase().replace(/\((r|tm)\)/g, '');
  return `${runtime}-${words.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '')}`.slice(0, 60);
}

/** @param {string} folder @param {string} kind what it must be */
function readManifest(folder, kind) {
  const what = `a ${kind.replace('blockforge-', 'BlockForge ')}`;
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) throw new Error(`${path}: no such file; expected ${what}`);
  const bytes = readFileSync(path);
  const manifest = JSON.parse(bytes.toString('utf8'));
  if (manifest.kind !== kind) throw new Error(`${path}: not ${what}`);
  if (manifest.onnx === undefined) {
    throw new Error(`${path}: the library has no ONNX graphs; export it again with \`export.forms: [onnx]\``);
  }
  return { manifest, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** @param {any} manifest @returns {BlockShape[]} */
function shapesOf({ teacher: { architecture }, blocks }) {
  const streams = (architecture.stages ?? [{ depth: blocks.length, width: architecture.width }]).flatMap(
    (/** @type {{ depth: number, width: number }} */ { depth, width }) => new Array(depth).fill(width),
  );
  return blocks.map((/** @type {any} */ { descendants }, /** @type {number} */ block) => ({
    widths: descendants.map((/** @type {{ width: number }} */ { width }) => width),
    stream: streams[block],
    tokens: tokensOf(architecture, block).all,
  }));
}

/**
 * Blocks that take the same time at the same width, the first of them, and all their widths, widest first.
 * @param {readonly BlockShape[]} shapes
 */
function likeBlocks(shapes) {
  /** @type {Map<string, { first: number, blocks: number[], widths: number[] }>} */
  const groups = new Map();
  for (const [block, { widths, stream, tokens }] of shapes.entries()) {
    const key = `${stream} ${tokens}`;
    const group = groups.get(key) ?? { first: block, blocks: [], widths: [] };
    group.blocks.push(block);
    group.widths = [...new Set([...group.widths, ...widths])].sort((a, b) => b - a);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** From beside this file, or from where it is called. @returns {Promise<OnnxRuntime>} */
async function loadRuntime() {
  // Official builds report usage over the network unless this is set before they load.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    try {
      const path = createRequire(join(process.cwd(), 'here.js')).resolve('onnxruntime-node');
      return (await import(pathToFileURL(path).href)).default;
    } catch {
      const [line] = /** @type {Error} */ (error).message.split('\n');
      throw new Error(`onnxruntime-node does not load (${line}); npm install onnxruntime-node`, {
        cause: error,
      });
    }
  }
}

/**
 * Weights of any composition as the frame's inputs, by name. Every block has memory of its own, as in a real model, of which
 * narrower blocks take the start.
 * @param {OnnxRuntime} runtime
 * @param {readonly BlockShape[]} shapes
 * @param {boolean} isGated
 * @returns {(widths: readonly number[]) => Record<string, Tensor>}
 */
function randomWeights(runtime, shapes, isGated) {
  const stores = shapes.map(({ widths: [most = 1], stream }) => ({
    width: stream,
    fc1: noise(most * stream, 0.02),
    ...(isGated && { gate: noise(most * stream, 0.02) }),
    fc2: noise(stream * most, 0.02),
  }));
  /** @type {Map<string, Record<string, Tensor>>} */
  const known = new Map();
  const make = (/** @type {number} */ block, /** @type {number} */ units) => {
    const store = /** @type {(typeof stores)[number]} */ (stores[block]);
    const { width } = store;
    const tensor = (/** @type {Float32Array} */ data, /** @type {number[]} */ shape) =>
      new runtime.Tensor('float32', data, shape);
    const layer = (
      /** @type {string} */ name,
      /** @type {Float32Array} */ kernel,
      /** @type {[number, number]} */ shape,
    ) => ({
      [`blocks.${block}.mlp.${name}.weight`]: tensor(kernel.subarray(0, units * width), shape),
      [`blocks.${block}.mlp.${name}.bias`]: tensor(noise(shape[0], 0.02), [shape[0]]),
    });
    return {
      ...layer('fc1', store.fc1, [units, width]),
      ...(store.gate && layer('gate', store.gate, [units, width])),
      ...layer('fc2', store.fc2, [width, units]),
    };
  };
  return (widths) =>
    Object.assign(
      {},
      ...widths.map((units, block) => {
        const key = `${block}/${units}`;
        const tensors = known.get(key) ?? make(block, units);
        known.set(key, tensors);
        return tensors;
      }),
    );
}

/** Uniform in [-scale, scale]. @param {number} length @param {number} scale */
function noise(length, scale = 1) {
  const draw = generator(3);
  return Float32Array.from({ length }, () => scale * (2 * draw() - 1));
}

/** Uniform in [0, 1), the same every time. @param {number} seed @returns {() => number} */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** In place (Fisher-Yates). @template T @param {T[]} items @param {() => number} draw */
function shuffle(items, draw) {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [items[i], items[j]] = /** @type {[T, T]} */ ([items[j], items[i]]);
  }
  return items;
}

/** Six significant digits. @param {number} value */
const round = (value) => Number(value.toPrecision(6));

const usage = `Measures the parts of this library, or the sub-models of this device, on this machine under ONNX Runtime.

  node profile.mjs [--batch 1,8] [--threads N] [--iterations N] [--name NAME] [--out FILE]

  --batch       batch sizes (default ${defaults.batchSizes.join(',')}); of a device's sub-models always 1
  --threads     threads of ONNX Runtime (default: all processors)
  --iterations  counted rounds (default ${defaults.iterations}); ${defaults.warmup} more warm up
  --name        of this device, for the profile (default: from its processor)
  --out         file to write (default: profiles/NAME.json in this folder)

Needs the package onnxruntime-node, found from this file's folder or from the current one: npm install onnxruntime-node
Back where this folder is from: npm run pipeline -- profile FOLDER --add FILE
`;

/**
 * Exchanges a file in one step, where a link leads to; a pipe or a device is written into.
 * @param {string} path
 * @param {string} text
 */
function writeOut(path, text) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) return writeFileSync(path, text);
  const target = found === undefined ? path : realpathSync(path);
  const temporary = `${target}.tmp-${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** @param {string[]} argv */
async function main(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      batch: { type: 'string', default: defaults.batchSizes.join(',') },
      threads: { type: 'string', default: String(availableParallelism()) },
      iterations: { type: 'string', default: String(defaults.iterations) },
      name: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const count = (/** @type {string} */ option, /** @type {string} */ text) => {
    if (!/^[1-9]\d{0,5}$/.test(text))
      throw new Error(`--${option} ${text}: expected a whole number, 1 or more`);
    return Number(text);
  };
  if (values.name !== undefined && !/^\w[\w.-]{0,99}$/.test(values.name))
    throw new Error(`--name ${values.name}: expected letters, digits, "_", "." and "-", at most 100`);
  const folder = dirname(fileURLToPath(import.meta.url));
  const shown = process.stderr.isTTY;
  const batchSizes = values.batch.split(',').map((text) => count('batch', text));
  const options = {
    folder,
    threads: count('threads', values.threads),
    iterations: count('iterations', values.iterations),
    warmup: defaults.warmup,
    ...(values.name !== undefined && { name: values.name }),
    ...(shown && {
      onProgress: (/** @type {number} */ fraction, /** @type {number} */ seconds) =>
        void process.stderr.write(`\r${Math.floor(100 * fraction)} %, ${Math.ceil(seconds)} s left   `),
    }),
  };
  const isDevice = kindOf(folder) === 'blockforge-device';
  const profile = await (isDevice ? measureDevice(options) : measureOnnx({ ...options, batchSizes }));
  if (shown) process.stderr.write('\r\x1b[K');
  const path = resolve(values.out ?? join(folder, 'profiles', `${profile.device.name}.json`));
  mkdirSync(dirname(path), { recursive: true });
  writeOut(path, `${JSON.stringify(profile, null, 2)}\n`);
  process.stdout.write(`${summarise(profile).join('\n')}\n${path}\n`);
}

/** @param {Profile | DeviceProfile} profile */
function summarise(profile) {
  if (profile.kind === 'blockforge-device-profile')
    return [
      ...profile.models.map(({ name, p50, p90 }) => `${name}: p50 ${p50} ms, p90 ${p90} ms`),
      `macsPerSecond: ${profile.macsPerSecond}`,
    ];
  return profile.batches.map(({ batchSize, frame, widths, calibration }) => {
    const { before, after } = calibration.meanAbsoluteErrorPercent;
    return (
      `batch ${batchSize}: frame ${frame.p50} ms; a block ${widths.map(({ width, p50 }) => `w${width} ${p50}`).join(', ')} ms; ` +
      `whole models are predicted within ${after.toFixed(1)} % (${before.toFixed(1)} % before calibration)`
    );
  });
}

/** What a folder's manifest calls itself, if it has one. @param {string} folder @returns {unknown} */
function kindOf(folder) {
  const path = join(folder, 'manifest.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).kind : undefined;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`error: ${/** @type {Error} */ (error).message}\n`);
    process.exitCode = 1;
  }
}
