import { headNames, layerShapes, type Architecture, type LayerShape } from '../model/architecture.ts';
import type { HostTensor, HostWeights } from '../model/host-weights.ts';
import { keptIndices, type Kept } from './kept.ts';
import type { SlicedModel } from './sliced-model.ts';
import { streamAxis } from './stream-axis.ts';
import { takeFirst, takeLast } from './take.ts';

export type { Kept } from './kept.ts';

/** What stays of a layer. */
export interface LayerCut {
  readonly heads?: Kept | undefined;
  /** Dimensions of queries and keys within each kept head, equally many in all of them. */
  readonly keys?: number | readonly Kept[] | undefined;
  /** Dimensions of values within each kept head, equally many in all of them. */
  readonly values?: number | readonly Kept[] | undefined;
  /** Hidden units of the FFN. */
  readonly units?: Kept | undefined;
}

/** What stays of a model. */
export interface Cut {
  /** Channels of the stream; a number is what follows a rotation whose first directions matter most. */
  readonly channels?: Kept | undefined;
  /** One entry per layer. */
  readonly layers?: readonly (LayerCut | undefined)[] | undefined;
  /** Rows of every head; one may come twice, where training is to make another class of it. */
  readonly classes?: Kept | undefined;
}

/**
 * A physically smaller model: it computes what the whole one does with everything else set to zero. Norms go on dividing by
 * the width before (`normWidth`); attention divides by the root of the smaller key size, so queries take up the difference.
 * @throws RangeError for indices out of range or twice, nothing left of an axis, heads of unequal sizes: bugs
 */
export function cutModel({ architecture, weights }: SlicedModel, cut: Cut): SlicedModel {
  const { width, normWidth = width, classes, depth } = architecture;
  const shapes = layerShapes(architecture);
  if (cut.layers !== undefined && cut.layers.length !== depth) {
    throw new RangeError(`${cut.layers.length} entries for ${depth} layers`);
  }
  const channels = cut.channels === undefined ? undefined : keptIndices(cut.channels, width, 'channel');
  const result: HostWeights = {};
  for (const [name, tensor] of Object.entries(weights)) {
    const axis = streamAxis(name);
    if (channels === undefined || axis === undefined) result[name] = tensor;
    else result[name] = (axis === 'first' ? takeFirst : takeLast)(tensor, channels);
  }
  const layers = shapes.map((shape, i) => {
    const layer = cut.layers?.[i];
    return layer === undefined ? shape : cutLayer(result, `blocks.${i}`, shape, layer);
  });
  if (cut.classes !== undefined) {
    const rows = keptIndices(cut.classes, classes, 'class', { mayRepeat: true });
    for (const name of headNames(architecture).flatMap((head) => [`${head}.weight`, `${head}.bias`])) {
      result[name] = takeFirst(result[name]!, rows);
    }
  }
  const left: Architecture = {
    ...architecture,
    width: channels?.length ?? width,
    normWidth,
    layers,
    heads: Math.max(...layers.map(({ heads }) => heads)),
    hidden: Math.max(...layers.map(({ hidden }) => hidden)),
    classes: result['head.bias']!.data.length,
  };
  return { architecture: left, weights: result };
}

/** Replaces the tensors of a layer in `weights`. -> its shape */
function cutLayer(weights: HostWeights, block: string, shape: LayerShape, cut: LayerCut): LayerShape {
  const { keySize, valueSize, hidden } = shape;
  const of = `of ${block}`;
  const heads = keptIndices(cut.heads ?? shape.heads, shape.heads, `head ${of}`);
  const keys = withinHeads(cut.keys ?? keySize, keySize, heads, `key dimension ${of}`);
  const values = withinHeads(cut.values ?? valueSize, valueSize, heads, `value dimension ${of}`);
  const units = keptIndices(cut.units ?? hidden, hidden, `hidden unit ${of}`);

  const places = (offset: number, size: number, within: readonly (readonly number[])[]): number[] =>
    heads.flatMap((head, i) => within[i]!.map((index) => offset + head * size + index));
  const [queries, ends] = [places(0, keySize, keys), shape.heads * keySize];
  const rows = [...queries, ...places(ends, keySize, keys), ...places(2 * ends, valueSize, values)];
  const kept = { keySize: keys[0]!.length, valueSize: values[0]!.length };
  const scale = Math.sqrt(kept.keySize / keySize);
  const replace = (name: string, change: (tensor: HostTensor) => HostTensor): void => {
    weights[`${block}.${name}`] = change(weights[`${block}.${name}`]!);
  };
  for (const part of ['attn.qkv.weight', 'attn.qkv.bias']) {
    replace(part, (tensor) => scaleFirst(takeFirst(tensor, rows), queries.length, scale));
  }
  replace('attn.proj.weight', (tensor) => takeLast(tensor, places(0, valueSize, values)));
  for (const part of ['mlp.fc1.weight', 'mlp.fc1.bias']) replace(part, (tensor) => takeFirst(tensor, units));
  replace('mlp.fc2.weight', (tensor) => takeLast(tensor, units));
  return { heads: heads.length, ...kept, hidden: units.length };
}

/** For each of the kept heads the indices that stay in it. */
function withinHeads(
  kept: number | readonly Kept[],
  size: number,
  heads: readonly number[],
  what: string,
): readonly (readonly number[])[] {
  const perHead = typeof kept === 'number' ? heads.map(() => kept) : kept;
  if (perHead.length !== heads.length) {
    throw new RangeError(`${what}: ${perHead.length} lists for ${heads.length} kept heads`);
  }
  const all = perHead.map((indices) => keptIndices(indices, size, what));
  if (all.some(({ length }) => length !== all[0]!.length)) {
    throw new RangeError(
      `${what}: heads keep ${all.map(({ length }) => length).join(', ')}, not equally many`,
    );
  }
  return all;
}

/** The first `count` entries of the first axis times `factor`. */
function scaleFirst(tensor: HostTensor, count: number, factor: number): HostTensor {
  if (factor === 1) return tensor;
  const end = (tensor.data.length / tensor.shape[0]!) * count;
  return { shape: tensor.shape, data: tensor.data.map((value, i) => (i < end ? value * factor : value)) };
}
