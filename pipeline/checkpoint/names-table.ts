import { oneLine } from '../util/printable.ts';
import { findBlocks, only } from './find-blocks.ts';
import type { StoredCheckpoint } from './locate.ts';
import { beforeBlocks, blockNorms, classToken, fused, isOfAttention, lastNorm, positions, separate } from './plain-parts.ts'; // prettier-ignore
import type { Naming } from './naming-contract.ts';
import { stemOf, weightShape } from './stems.ts';
import { toldKeys } from './told-keys.ts';

type Tensors = StoredCheckpoint['tensors'];

/** The most lines of a list: of a model whose blocks are alike, all. */
const most = 48;

/**
 * What a file has, a line for each layer with its weight's shape, for people: numbers that count layers are `{i}`, so that blocks are
 * named once.
 */
export function foundNames(tensors: Tensors): string {
  const groups = new Map<string, { readonly shape: readonly number[]; readonly indices: Set<string> }>();
  for (const stem of new Set([...tensors.keys()].map(stemOf))) {
    const index = /(?<=^|[._])\d+(?=\.)/.exec(stem)?.[0];
    const group = index === undefined ? stem : numbered(stem);
    const known = groups.get(group) ?? {
      shape: weightShape(tensors, stem) ?? [],
      indices: new Set<string>(),
    };
    groups.set(group, known);
    if (index !== undefined) known.indices.add(index);
  }
  const lines = [...groups].map(([group, { shape, indices }]) => {
    const [first, ...others] = indices;
    const name = others.length === 0 && first !== undefined ? group.replace('{i}', first) : group;
    return `${oneLine(name)} [${shape.join(', ')}]`;
  });
  const rest = lines.length > most ? [`and ${lines.length - most} more`] : [];
  return indented([...lines.slice(0, most), ...rest]);
}

/**
 * Lines of `teacher.names` to fill in: every part with the name that it seems to have, or `?`.
 * @param foundAs stems that are known better, with `{i}`, by key
 */
export function namesToFillIn(
  tensors: Tensors,
  foundAs: Readonly<Record<string, string | readonly string[]>> = likelyNames(tensors),
): string {
  // A list in YAML takes no braces without quotes.
  const quoted = (name: string): string => `'${oneLine(name).replaceAll("'", "''")}'`;
  const text = (name: string | readonly string[] = '?'): string =>
    typeof name === 'string' ? quoted(name) : `[${name.map(quoted).join(', ')}]`;
  return `say which is which, without .weight and .bias ({i}: the number of a block), teacher.names:${indented(
    toldKeys.filter(({ isUsual }) => isUsual).map(({ key }) => `${key}: ${text(foundAs[key])}`),
  )}`;
}

/** What to do where tensors are missing: what the file has, and what of it would be named. */
export function howToName(tensors: Tensors, naming: Pick<Naming, 'stored'>): string {
  // A number that no block has stands for any.
  const any = '999999999';
  const known = toldKeys.flatMap(({ key }) => {
    const part = /token$|^pos_embed$/.test(key) ? '' : '.weight';
    const stored = (index: string): readonly string[] => naming.stored(`${key.replace('{i}', index)}${part}`);
    if (!stored('0').every((name) => tensors.has(name))) return [];
    return [[key, alone(stored(any).map((name) => stemOf(name).replace(any, '{i}')))] as const];
  });
  return `the file has:${foundNames(tensors)}\n  where it is all there, ${namesToFillIn(tensors, Object.fromEntries(known))}`;
}

/** What each part seems to be called, by `teacher.names`' keys; parts of which nothing seems to be the name are left out. */
function likelyNames(tensors: Tensors): Readonly<Record<string, string | readonly string[]>> {
  const stems = [...new Set([...tensors.keys()].map(stemOf))];
  const inside = new Map<string, string[]>();
  for (const stem of stems) {
    for (const { index } of stem.matchAll(/(?<![0-9])0\./g)) {
      const path = `${stem.slice(0, index)}{i}.`;
      inside.set(path, [...(inside.get(path) ?? []), stem.slice(index + 2)]);
    }
  }
  const [path, parts] = [...inside].sort(([, a], [, b]) => b.length - a.length)[0] ?? ['', []];
  const before = path.slice(0, path.indexOf('{i}'));
  const outside = stems.filter(
    (stem) => !/^\d+\./.test(stem.slice(before.length)) || !stem.startsWith(before),
  );
  const axes = (stem: string): number => weightShape(tensors, stem)?.length ?? 0;
  const found: Record<string, string | readonly string[] | undefined> = {
    cls_token: only(outside, classToken),
    pos_embed: only(outside, positions),
    'patch_embed.proj': only(outside.filter((stem) => axes(stem) === 4), /./), // prettier-ignore
    norm: only(outside.filter((stem) => axes(stem) === 1 && !beforeBlocks.test(stem)), lastNorm), // prettier-ignore
    head: only(outside.filter((stem) => axes(stem) === 2), /(?:^|\.)(?:\w*head|classifier|fc)(?:\.\w+)*$/), // prettier-ignore
  };
  const [blocks, ...more] = findBlocks(tensors);
  const ofBlock: Record<string, string | readonly string[] | undefined> =
    blocks === undefined || more.length > 0
      ? likelyLayers(parts, (stem) => weightShape(tensors, `${before}0.${stem}`))
      : blocks.layers;
  for (const [layer, stem] of Object.entries(ofBlock))
    if (stem !== undefined)
      found[`blocks.{i}.${layer}`] = alone([stem].flat().map((one) => `${blocks?.path ?? path}${one}`));
  return Object.fromEntries(
    Object.entries(found).filter(
      (entry): entry is [string, string | readonly string[]] => entry[1] !== undefined,
    ),
  );
}

/** The same of a block, by the stems in it. */
function likelyLayers(
  stems: readonly string[],
  shapeOf: (stem: string) => readonly number[] | undefined,
): Record<string, string | readonly string[] | undefined> {
  const vectors = stems.filter((stem) => shapeOf(stem)?.length === 1);
  const matrices = stems.filter((stem) => shapeOf(stem)?.length === 2);
  const together = only(matrices, fused);
  const apart = separate.map((pattern) => only(matrices, pattern));
  const others = matrices.filter((stem) => stem !== together && !apart.includes(stem));
  return {
    norm1: only(vectors, blockNorms.norm1),
    norm2: only(vectors, blockNorms.norm2),
    'attn.qkv': together ?? (apart.every((stem) => stem !== undefined) ? apart : undefined),
    'attn.proj': only(others, isOfAttention),
  };
}

/** One name as such, several as a list. */
function alone(names: readonly string[]): string | readonly string[] {
  const [first = '', ...others] = names;
  return others.length === 0 ? first : names;
}

/** The first number that stands between points, or behind a line and before a point, gives way to `{i}`. */
function numbered(stem: string): string {
  return stem.replace(/(?<=^|[._])\d+(?=\.)/, '{i}');
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `\n    ${line}`).join('');
}
