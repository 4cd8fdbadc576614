import type { Architecture } from '../model/architecture.ts';
import { layerShapes } from '../model/family/layer-shapes.ts';
import { fail } from '../util/failure.ts';
import { formatBytes, formatCount } from '../util/format.ts';
import { isWithin, type ModelShape, type ShapeLimits } from './shape.ts';

/** Shares of an axis that are tried; the FFN takes what the limits then leave. */
const shares = [1, 7 / 8, 3 / 4, 5 / 8, 1 / 2, 3 / 8, 1 / 4, 1 / 6, 1 / 8, 1 / 12];

/** A place on the grid: which of the extents of the stream, of queries and keys, and of values. */
type Place = readonly [stream: number, keys: number, values: number];

export interface ShapeSearch {
  readonly shape: ModelShape;
  /** Every shape that was measured, in order. */
  readonly measured: readonly { readonly shape: ModelShape; readonly kl: number }[];
}

export interface ShapeOptions {
  readonly whole: Architecture;
  /** Rows of the head. */
  readonly classes: number;
  readonly limits: ShapeLimits;
  /** Stream and hidden units are multiples of it, as far as they have so many. */
  readonly multiple: number;
}

/**
 * How the budget is split between stream, attention and FFN: a descent on the grid of shares by measured KL. It starts from the
 * best of uniform scaling, as published, and a few splits with a wider stream, of which attention and FFN have the rest in even
 * shares: a direction that the stream lacks is missing in every layer. The first is half-way, in the logarithm, between
 * uniform scaling's stream and the whole one.
 * It tries the next smaller and larger share of each axis alone while the FFN takes what is left, and moves to the best as
 * long as that is better; what it ends at is better than all its neighbours.
 * @param most shapes to measure
 * @throws BlockForgeError `config-invalid` where nothing fits
 */
export async function searchShape(
  options: ShapeOptions,
  most: number,
  measure: (shape: ModelShape) => Promise<number>,
): Promise<ShapeSearch> {
  const start = uniformPlace(options);
  const measured: { shape: ModelShape; kl: number }[] = [];
  const known = new Map<string, number>();
  const klOf = async (place: Place): Promise<number> => {
    const shape = shapeAt(options, place);
    if (shape === undefined) return Infinity;
    const key = JSON.stringify(shape);
    const old = known.get(key);
    if (old !== undefined) return old;
    if (measured.length >= most) return Infinity;
    const kl = await measure(shape);
    measured.push({ shape, kl });
    // A model that computes no numbers is worse than any that does.
    const comparable = Number.isNaN(kl) ? Infinity : kl;
    known.set(key, comparable);
    return comparable;
  };
  let place = start;
  let best = await klOf(place);
  for (const wider of widerPlaces(options, start, Math.floor(most / 4))) {
    const kl = await klOf(wider);
    if (kl < best) [best, place] = [kl, wider];
  }
  for (;;) {
    let next: Place | undefined;
    for (const neighbour of neighbours(place)) {
      const kl = await klOf(neighbour);
      if (kl < best) {
        best = kl;
        next = neighbour;
      }
    }
    if (next === undefined) return { shape: placed(options, place), measured };
    place = next;
  }
}

/** The largest uniform scaling within the limits: what is published, and where the search starts. */
export function uniformShape(options: ShapeOptions): ModelShape {
  return placed(options, uniformPlace(options));
}

function uniformPlace(options: ShapeOptions): Place {
  const { hidden } = layerShapes(options.whole)[0]!;
  for (const share of shares) {
    const place = placeAt(options, share);
    const shape = shapeAt(options, place);
    // The first place may leave the FFN next to nothing: the even one is where it keeps about the same share.
    if (shape !== undefined && (shape.hidden >= 0.8 * share * hidden || share === shares.at(-1)))
      return place;
  }
  const { macs, sizeBytes } = options.limits;
  return fail({
    reason: 'config-invalid',
    subject: 'submodel',
    found: `${formatCount(macs)} multiply-adds and ${formatBytes(sizeBytes)}, which no shape down to a twelfth of every dimension keeps within`,
    expected: 'a budget that a twelfth of the model fits into',
    next: 'raise submodel.macs and submodel.size, or the limits of the smallest device',
  });
}

/** Where all axes have that share, or all but the stream. */
function placeAt(options: ShapeOptions, share: number, stream?: number): Place {
  const [width, keys, values] = axesOf(options).map((axis) =>
    extentsOf(axis).indexOf(extentAt(axis, share)),
  ) as [number, number, number];
  return [stream ?? width, keys, values];
}

/** At most `count` places with a wider stream, in which heads and FFN keep about the same share; the middle ones first. */
function widerPlaces(options: ShapeOptions, start: Place, count: number): readonly Place[] {
  const { width, hidden } = options.whole;
  const middle = Math.sqrt(placed(options, start).width * width);
  const { keySize } = layerShapes(options.whole)[0]!;
  const evenly = Array.from({ length: start[0] }, (_, stream) => {
    const found = shares.flatMap((share) => {
      const place = placeAt(options, share, stream);
      const shape = shapeAt(options, place);
      if (shape === undefined) return [];
      const uneven = Math.abs(Math.log(((shape.hidden / hidden) * keySize) / shape.keySize));
      return [{ place, uneven, off: Math.abs(Math.log(shape.width / middle)) }];
    });
    return found.sort((a, b) => a.uneven - b.uneven).slice(0, 1);
  }).flat();
  return evenly
    .sort((a, b) => a.off - b.off)
    .slice(0, count)
    .map(({ place }) => place);
}

interface Axis {
  readonly extent: number;
  readonly multiple: number;
}

/** Of the stream, of queries and keys, of values. */
function axesOf({ whole, multiple }: ShapeOptions): readonly Axis[] {
  const { keySize, valueSize } = layerShapes(whole)[0]!;
  return [
    { extent: whole.width, multiple },
    { extent: keySize, multiple: 1 },
    { extent: valueSize, multiple: 1 },
  ];
}

function extentAt({ extent, multiple }: Axis, share: number): number {
  const rounded = Math.round((share * extent) / multiple) * multiple;
  return Math.min(extent, Math.max(rounded, multiple));
}

/** Those that are tried, largest first; shares that round to the same are one step, so that the descent gets across. */
function extentsOf(axis: Axis): readonly number[] {
  return [...new Set(shares.map((share) => extentAt(axis, share)))];
}

function* neighbours([stream, keys, values]: Place): Generator<Place> {
  for (const by of [-1, 1]) {
    yield [stream, keys + by, values + by];
    yield [stream + by, keys, values];
    yield [stream, keys + by, values];
    yield [stream, keys, values + by];
  }
}

/** The shape there, with the widest FFN that the limits leave; undefined off the grid or where nothing is left. */
function shapeAt(options: ShapeOptions, place: Place): ModelShape | undefined {
  const { whole, classes, limits, multiple } = options;
  const [width, keySize, valueSize] = axesOf(options).map((axis, i) => extentsOf(axis)[place[i]!]);
  if (width === undefined || keySize === undefined || valueSize === undefined) return undefined;
  const { hidden } = layerShapes(whole)[0]!;
  const shape = { width, keySize, valueSize };
  const unit = Math.min(multiple, hidden);
  let low = 0;
  let high = Math.ceil(hidden / unit);
  const units = (steps: number): number => Math.min(hidden, steps * unit);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isWithin(whole, { ...shape, hidden: units(middle) }, classes, limits)) low = middle;
    else high = middle - 1;
  }
  return low === 0 ? undefined : { ...shape, hidden: units(low) };
}

function placed(options: ShapeOptions, place: Place): ModelShape {
  const shape = shapeAt(options, place);
  if (shape === undefined) throw new Error('a place that was measured has a shape');
  return shape;
}
