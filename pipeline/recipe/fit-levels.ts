import * as tf from '@tensorflow/tfjs-core';
import { createHash } from 'node:crypto';
import type { OutputError } from '../compress/errors.ts';
import { createLevelProblem, type LevelProblemOptions } from '../compress/level-problem.ts';
import { createHeldOutError } from '../compress/held-out-error.ts';
import { ownTokens, teacherTokens, type LevelTokens, type TeacherTokens } from '../compress/level-tokens.ts';
import type { FittedFfn } from '../compress/refit.ts';
import type { Ridge } from '../compress/ridge.ts';
import { effectiveShare, type TokenWeights } from '../compress/token-weights.ts';
import { hashJson } from '../util/hash.ts';
import { blockName } from '../model/architecture.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { disposeFfn, ffnList, teacherFfn, uploadFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import { partOf, partsOf, type FfnWeights } from '../model/ffn-weights.ts';
import { sampledRows, sampledTokens, type Calibration, type ImageSplit } from './calibration.ts';
import type { ImageBatch } from './evidence.ts';
import { fitWidths } from './fit-widths.ts';
import { imageStreamBytes, piecesOf, visitPieces, type Piece, type PieceVisitor } from './stream-pieces.ts';
import type { StreamStore } from './stream-store.ts';

/** One block of one level before the fit. */
export interface LevelStart {
  /** fc1 stays as it is: the first units of an order (`sliceFfn`), or what was distilled. */
  readonly weights: FfnWeights;
  /** Whether fc2 is fitted; a block that is not, like the teacher's own in a mixed composition, stays as it is. */
  readonly refit: boolean;
}

export interface FitLevelsOptions<Item extends { readonly id: string }> {
  readonly model: ModelTensors;
  /** Models that are fitted side by side: uniform widths, or compositions of any widths. */
  readonly levels: number;
  /** What block `block` of every level starts from, asked for in turn. */
  readonly startOf: (block: number) => readonly LevelStart[] | Promise<readonly LevelStart[]>;
  readonly images: ImageSplit<Item>;
  /** Whole batches of so many of the items, the last one shorter. */
  readonly batchesOf: (items: readonly Item[], batchSize: number) => AsyncIterable<ImageBatch>;
  readonly calibration: Pick<Calibration, 'seed' | 'tokensPerImage'>;
  /** Of every block's tokens. */
  readonly weights: readonly TokenWeights[];
  /** Of the level's own activations; the rest are the teacher's. */
  readonly composedShare: number;
  readonly ridge: Ridge;
  /** Where the streams lie between two blocks. Removed by the caller. */
  readonly store: StreamStore;
  /** Names all that the streams depend on beside the blocks fitted so far, for a store that outlives the process. */
  readonly key?: string | undefined;
  /** Blocks that an earlier process has fitted, from the first on: every level's weights. */
  readonly fitted?: readonly (readonly FfnWeights[])[] | undefined;
  readonly onProgress?: ((fraction: number, note: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One block of one level after the fit. */
export interface LevelFit {
  readonly weights: FfnWeights;
  /** Null where the block stayed as it was. */
  readonly fitted: FittedFfn | null;
  /** On held-out images: the teacher's inputs and the level's own, by their shares. */
  readonly heldOut: OutputError;
}

export interface FittedBlock {
  readonly block: number;
  readonly levels: readonly LevelFit[];
  /** Tokens that carry the information of the fit: the weight of all over that of the average token. */
  readonly tokens: number;
}

/**
 * Fits whole models block after block, each block to what it will see in its model (in part; the rest is what it sees in the
 * teacher) and to what brings the model's residual stream back to the teacher's:
 *
 *     target = (teacher's stream after the block) - (this level's stream before its FFN)
 *
 * So each block repairs what the blocks before it have left wrong. The ridge's share is of the mean variance of the units that
 * the descendant has. Yields a block before it goes on to the next: what its caller has kept of it by then is not fitted again.
 *
 * Every visit of a block brings each piece of images of each level from the last block to this one, once, and sums at the same
 * time. Costs about 1.5 forward passes of every level; memory (H' + D)^2 x 12 bytes per level, disk what the store gives.
 * @throws `signal.reason`
 */
export async function* fitLevels<Item extends { readonly id: string }>(
  options: FitLevelsOptions<Item>,
): AsyncGenerator<FittedBlock, void> {
  const { model, levels, store, calibration, composedShare, ridge, fitted = [] } = options;
  const { architecture } = model;
  const { depth, gelu } = architecture;
  const pieces = piecesOf(options.images, store.bytes, imageStreamBytes(architecture, levels));
  const progress = startProgress(pieces, { depth, first: fitted.length }, options.onProgress);
  const done: (readonly FfnWeights[])[] = [];
  const keys = [firstKey(options)];
  const keep = (weights: readonly FfnWeights[]): void => {
    keys.push(keyAfter(keys[done.length]!, weights));
    done.push(weights);
  };
  for (const weights of fitted) keep(weights);

  for (let block = done.length; block < depth; block++) {
    const starts = await options.startOf(block);
    if (starts.length !== levels) throw new RangeError(`${starts.length} blocks for ${levels} levels`);
    const weights = options.weights[block]!;
    const sampled = sampledTokens(calibration, architecture, block);
    const problem = { gelu, sampled, weights, ownShare: composedShare };
    const ffns = uploads(model, done);
    const visit = (heldOut: boolean, add: AddTokens) =>
      visitPieces(
        { ...options, keys, levels: 1 + levels, ffnOf: ffns.of },
        pieces.filter((piece) => piece.heldOut === heldOut),
        (piece) => tokensOf(options, block, piece, add),
        (piece) => progress(block, piece),
      );
    let found: LevelFit[];
    try {
      const results = await fitBlock(starts, problem, ridge, (add) => visit(false, add));
      found = await judgeBlock(results, problem, (add) => visit(true, add));
    } finally {
      ffns.dispose();
    }
    const tokens = options.images.training.length * sampled * effectiveShare(weights, sampled);
    yield { block, levels: found, tokens: Math.round(tokens) };
    keep(found.map((level) => level.weights));
  }
}

/** Of level 1, 2, ...: the same sampled tokens in the teacher and in the level's model. They live until it returns. */
type AddTokens = (level: number, teacher: LevelTokens, own: LevelTokens) => void;

async function fitBlock(
  starts: readonly LevelStart[],
  problem: LevelProblemOptions,
  ridge: Ridge,
  visit: (add: AddTokens) => Promise<void>,
): Promise<Omit<LevelFit, 'heldOut'>[]> {
  const sums = starts.map((start) => (start.refit ? createLevelProblem(start.weights, problem) : null));
  try {
    await visit((level, teacher, own) => sums[level - 1]?.add(teacher, own));
    return starts.map(({ weights }, index) => {
      const found = sums[index]?.finish();
      if (found === undefined) return { weights, fitted: null };
      const units = Int32Array.from({ length: weights.hidden }, (_, unit) => unit);
      const options = { ridge, method: 'affine' } as const;
      const fitted = fitWidths(weights, found, units, [weights.hidden], options)[0]!;
      return { weights: fitted.weights, fitted };
    });
  } finally {
    for (const sum of sums) sum?.dispose();
  }
}

async function judgeBlock(
  results: readonly Omit<LevelFit, 'heldOut'>[],
  problem: LevelProblemOptions,
  visit: (add: AddTokens) => Promise<void>,
): Promise<LevelFit[]> {
  const errors = results.map(({ weights }) => createHeldOutError(weights, problem));
  try {
    await visit((level, teacher, own) => errors[level - 1]!.add(teacher, own));
    return results.map((result, index) => ({ ...result, heldOut: errors[index]!.finish() }));
  } finally {
    for (const error of errors) error.dispose();
  }
}

/** Takes the sampled tokens out of the streams of a piece, and gives them to `add` beside the teacher's. */
function tokensOf<Item extends { readonly id: string }>(
  { model, calibration }: Pick<FitLevelsOptions<Item>, 'model' | 'calibration'>,
  block: number,
  { items }: Piece<Item>,
  add: AddTokens,
): PieceVisitor {
  const ids = items.map(({ id }) => id);
  const rows = tf.tensor1d(sampledRows(calibration, model.architecture, ids, block), 'int32');
  let teacher: TeacherTokens | undefined;
  return {
    see(level, stream) {
      if (teacher === undefined) {
        teacher = teacherTokens(model, block, stream, rows);
        return;
      }
      const own = ownTokens(model, block, stream, rows, teacher);
      add(level, teacher, own);
      tf.dispose([own.input, own.target]);
    },
    close() {
      rows.dispose();
      if (teacher !== undefined) tf.dispose([teacher.input, teacher.target, teacher.after]);
    },
  };
}

/** The FFN blocks that streams go through, on the engine once they are asked for. Level 0 is the teacher. */
function uploads(model: ModelTensors, fitted: readonly (readonly FfnWeights[])[]) {
  const there = new Map<string, FfnTensors>();
  return {
    of: (level: number, block: number): FfnTensors => {
      if (level === 0) return teacherFfn(model, block);
      const key = `${level}/${block}`;
      // Asked for inside a tidy, wanted for the whole visit.
      const found = there.get(key) ?? keptFfn(fitted[block]![level - 1]!);
      there.set(key, found);
      return found;
    },
    dispose: () => there.forEach(disposeFfn),
  };
}

function keptFfn(weights: FfnWeights): FfnTensors {
  const ffn = uploadFfn(weights);
  for (const tensor of ffnList(ffn)) tf.keep(tensor);
  return ffn;
}

/** Streams that were made by another version of this code are none. */
function firstKey<Item extends { readonly id: string }>({
  key = '',
  levels,
  images,
}: FitLevelsOptions<Item>): string {
  const ids = [images.training, images.heldOut].map((items) => items.map(({ id }) => id));
  return hashJson({ version: 1, key, levels, ids });
}

function keyAfter(key: string, weights: readonly FfnWeights[]): string {
  const hash = createHash('sha256').update(key);
  for (const ffn of weights) for (const part of partsOf(ffn)) hash.update(partOf(ffn, part));
  return hash.digest('hex');
}

/** A piece that is not kept comes from its pixels, through all blocks before. */
function startProgress<Item>(
  pieces: readonly Piece<Item>[],
  { depth, first }: { readonly depth: number; readonly first: number },
  onProgress: FitLevelsOptions<{ readonly id: string }>['onProgress'],
): (block: number, piece: Piece<Item>) => void {
  const costOf = (block: number, { items, kept }: Piece<Item>): number =>
    items.length * (kept ? 1 : block + 1);
  let total = 0;
  for (let block = first; block < depth; block++) {
    for (const piece of pieces) total += costOf(block, piece);
  }
  const images = pieces.reduce((sum, { items }) => sum + items.length, 0);
  let done = 0;
  let image = 0;
  return (block, piece) => {
    done += costOf(block, piece);
    image = (image % images) + piece.items.length;
    onProgress?.(done / total, `${blockName(block)}, image ${image}/${images}`);
  };
}
