/**
 * Per-image scores of one model on one split, in the order of the images. Everything a delta, an interval or a
 * table needs, at 11 bytes an image, so shards and contexts are compared image by image after the sweep.
 */
export interface Scores {
  /** 1 where the most likely class is the label. */
  readonly correct: Uint8Array;
  /** 1 where the label is among the five most likely classes; absent with five classes or fewer. */
  readonly top5?: Uint8Array;
  /** 1 where the most likely class is the teacher's. */
  readonly agree: Uint8Array;
  /** KL(teacher || model) over the classes, in nats. */
  readonly kl: Float32Array;
}

/** Scores by model id (`teacher`, `block-03/w0384`, ...), all over the same images. */
export interface SweepScores {
  /** The images' stable ids, in order. */
  readonly ids: readonly string[];
  readonly models: ReadonlyMap<string, Scores>;
}

/** Joins the scores of one model over consecutive shards. */
export function mergeScores(parts: readonly Scores[]): Scores {
  const merged = {
    correct: join(
      parts.map(({ correct }) => correct),
      Uint8Array,
    ),
    agree: join(
      parts.map(({ agree }) => agree),
      Uint8Array,
    ),
    kl: join(
      parts.map(({ kl }) => kl),
      Float32Array,
    ),
  };
  const top5 = parts.flatMap(({ top5 }) => (top5 === undefined ? [] : [top5]));
  if (top5.length === 0) return merged;
  if (top5.length !== parts.length) throw new Error('some shards have top-5 scores and some have none');
  return { ...merged, top5: join(top5, Uint8Array) };
}

/** The scores of some of the images, in the order given. */
export function selectImages({ correct, top5, agree, kl }: Scores, images: readonly number[]): Scores {
  const flags = (all: Uint8Array) => Uint8Array.from(images, (image) => all[image]!);
  return {
    correct: flags(correct),
    ...(top5 && { top5: flags(top5) }),
    agree: flags(agree),
    kl: Float32Array.from(images, (image) => kl[image]!),
  };
}

/** Joins whole sweeps over consecutive shards. Every shard must have scored the same models. */
export function mergeSweeps(shards: readonly SweepScores[]): SweepScores {
  const names = [...(shards[0]?.models.keys() ?? [])];
  const models = new Map<string, Scores>();
  for (const { models: scored } of shards) {
    if (scored.size !== names.length) throw new Error('the shards scored different models');
  }
  for (const name of names) {
    models.set(name, mergeScores(shards.map(({ models }) => models.get(name) ?? missing(name))));
  }
  return { ids: shards.flatMap(({ ids }) => ids), models };
}

export interface ScoreSummary {
  readonly images: number;
  /** Images, not a share: what the intervals take. */
  readonly correct: number;
  readonly top5?: number;
  /** Percent of the images. */
  readonly agreementPercent: number;
  /** Mean over the images, in nats. */
  readonly kl: number;
}

/** Counts and means of one model's scores, summed in float64. */
export function summariseScores({ correct, top5, agree, kl }: Scores): ScoreSummary {
  const images = correct.length;
  return {
    images,
    correct: sum(correct),
    ...(top5 && { top5: sum(top5) }),
    agreementPercent: (100 * sum(agree)) / images,
    kl: sum(kl) / images,
  };
}

interface ScoreArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array | Float32Array;
}

/** As named arrays for safetensors: `<model>.correct`, `.top5`, `.agree` (U8) and `.kl` (F32), each [n]. */
export function scoresToArrays(models: ReadonlyMap<string, Scores>): Record<string, ScoreArray> {
  const arrays: Record<string, ScoreArray> = {};
  for (const [name, scores] of models) {
    for (const part of parts) {
      const data = scores[part];
      if (data !== undefined) arrays[`${name}.${part}`] = { shape: [data.length], data };
    }
  }
  return arrays;
}

/** The way back. @throws Error where a model's arrays are incomplete. */
export function scoresFromArrays(
  arrays: Readonly<Record<string, Uint8Array | Float32Array>>,
): Map<string, Scores> {
  const names = Object.keys(arrays)
    .filter((name) => name.endsWith('.correct'))
    .map((name) => name.slice(0, -'.correct'.length));
  return new Map(
    names.map((name) => {
      const part = (suffix: string) => arrays[`${name}.${suffix}`] ?? missing(`${name}.${suffix}`);
      const top5 = arrays[`${name}.top5`] as Uint8Array | undefined;
      return [
        name,
        {
          correct: part('correct') as Uint8Array,
          ...(top5 && { top5 }),
          agree: part('agree') as Uint8Array,
          kl: part('kl') as Float32Array,
        },
      ];
    }),
  );
}

const parts = ['correct', 'top5', 'agree', 'kl'] as const;

function join<A extends Uint8Array | Float32Array>(pieces: readonly A[], type: new (length: number) => A): A {
  const joined = new type(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

function missing(name: string): never {
  throw new Error(`no scores of ${name}`);
}
