import type { StoredCheckpoint } from './locate.ts';
import { blockNorms, blockScales, fused, isOfAttention, separate } from './plain-parts.ts';
import { stemOf, weightShape } from './stems.ts';

type Tensors = StoredCheckpoint['tensors'];

/** The blocks of a model in plain PyTorch, as the first one shows them. */
export interface PlainBlocks {
  /** What stands before a block's parts, with `{i}` for its number: `encoder.layers.{i}.`. */
  readonly path: string;
  /** Stems below the path by canonical layer; three of them are separate q, k and v. */
  readonly layers: Readonly<Record<string, readonly string[]>>;
  readonly scales: Readonly<Record<string, string>>;
  /** D, by the first norm. */
  readonly width: number;
}

/** Every place with blocks whose parts are all found. @param scope of the names to look at */
export function findBlocks(tensors: Tensors, scope = ''): readonly PlainBlocks[] {
  const inside = new Map<string, Set<string>>();
  for (const name of tensors.keys()) {
    if (!name.startsWith(scope)) continue;
    for (const { index } of name.matchAll(/(?<![0-9])0\./g)) {
      const path = `${name.slice(0, index)}{i}.`;
      const stems = inside.get(path) ?? new Set<string>();
      inside.set(path, stems.add(stemOf(name.slice(index + 2))));
    }
  }
  return [...inside].flatMap(([path, stems]) => blocksAt(tensors, path, [...stems]) ?? []);
}

function blocksAt(tensors: Tensors, path: string, stems: readonly string[]): PlainBlocks | undefined {
  const shapes = new Map(
    stems.map((stem) => [stem, weightShape(tensors, path.replace('{i}', '0') + stem) ?? []]),
  );
  const withAxes = (axes: number): string[] => stems.filter((stem) => shapes.get(stem)?.length === axes);
  const [vectors, matrices] = [withAxes(1), withAxes(2)];
  const norm1 = only(vectors, blockNorms.norm1);
  const norm2 = only(vectors, blockNorms.norm2);
  const width = norm1 === undefined ? undefined : shapes.get(norm1)?.[0];
  const qkv = queriesKeysValues(matrices);
  if (norm1 === undefined || norm2 === undefined || width === undefined || qkv === undefined)
    return undefined;
  const others = matrices.filter((stem) => !qkv.includes(stem));
  const projection = only(others, isOfAttention);
  const [first, second, ...more] = others.filter((stem) => stem !== projection).sort(byNumber);
  if (projection === undefined || first === undefined || second === undefined || more.length > 0)
    return undefined;
  const takesWidth = (stem: string): boolean => shapes.get(stem)?.[1] === width;
  // Where both are square, names tell which comes first.
  const isTurned = !takesWidth(first) && takesWidth(second);
  const scales = Object.entries(blockScales).flatMap(([layer, pattern]) => {
    const found = only(vectors, pattern);
    return found === undefined ? [] : [[layer, found] as const];
  });
  return {
    path,
    layers: {
      norm1: [norm1],
      'attn.qkv': qkv,
      'attn.proj': [projection],
      norm2: [norm2],
      'mlp.fc1': [isTurned ? second : first],
      'mlp.fc2': [isTurned ? first : second],
    },
    scales: Object.fromEntries(scales),
    width,
  };
}

function queriesKeysValues(matrices: readonly string[]): readonly string[] | undefined {
  const together = only(matrices, fused);
  if (together !== undefined) return [together];
  const found = separate.map((pattern) => only(matrices, pattern));
  return found.every((stem) => stem !== undefined) ? found : undefined;
}

/** The one that has such a name; undefined where none or several have. */
export function only(stems: readonly string[], pattern: RegExp): string | undefined {
  const found = stems.filter((stem) => pattern.test(stem));
  return found.length === 1 ? found[0] : undefined;
}

/** `net.4` before `net.10`. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
