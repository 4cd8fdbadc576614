import { fail } from '../util/failure.ts';
import { isDefaultFamily, type Architecture } from '../model/architecture.ts';
import { canonicalShapes } from '../model/host-weights.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming.ts';
import { deitFamily } from '../model/family/deit.ts';
import { howToName } from './names-table.ts';
import { partsOf, withoutLeadingOnes } from './stems.ts';
import { rotaryTable } from './rotary-tables.ts';
import { listed } from './unsupported.ts';
import { sortUnused } from './unused.ts';

/** Where a tensor is stored. */
export interface Place {
  readonly file: string;
  readonly name: string;
  /** The rows of the first axis, leading ones left out, that are meant, where not all are. */
  readonly rows?: readonly [from: number, to: number];
}

/** How a canonical tensor is made: parts stacked along the first axis, some of them so many zeros, then each row scaled. */
export interface TensorSource {
  readonly parts: readonly (Place | { readonly zeros: number } | { readonly values: () => Float32Array })[];
  /** A vector as long as the first axis. */
  readonly scale?: Place;
  /** Added to it, number by number. */
  readonly plus?: Place;
  /** Stored as its transpose. */
  readonly isTransposed?: boolean;
  /** Stored as [D, p p C], each row a patch by row, column, channel; the tensor is [D, C, p, p]. */
  readonly isPatchFlat?: boolean;
}

export interface Assembly {
  readonly tensors: Readonly<Record<string, TensorSource>>;
  /** What is zero, folded or left out, for people. */
  readonly notes: readonly string[];
}

const readable: readonly string[] = ['F32', 'F16', 'BF16', 'F64'];

/**
 * How every tensor of an architecture, of whatever family, is made of the file's: what is exactly representable is, biases
 * that no block has as zeros, LayerScale folded into the layer before it.
 * @throws BlockForgeError `checkpoint-unsupported`, naming the tensors that are missing, unfit or more than can be left out
 */
export function assemble(stored: StoredCheckpoint, naming: Naming, architecture: Architecture): Assembly {
  const { tensors } = stored;
  const used = new Set<string>();
  const missing = new Set<string>();
  const wrong = new Set<string>();
  const biasless = new Set<string>();
  const notes: string[] = [];
  const sources: Record<string, TensorSource> = {};

  const take = (name: string, shape: readonly number[]): Place | undefined => {
    used.add(name);
    const info = tensors.get(name);
    if (info === undefined) missing.add(name);
    else if (!isAlike(info.shape, shape)) {
      wrong.add(`${name} [${info.shape.join(', ')}] instead of [${shape.join(', ')}]`);
    } else if (!readable.includes(info.dtype)) wrong.add(`${name} is ${info.dtype}`);
    return info && { file: info.file, name };
  };
  const found = new Map<string, boolean>();
  const isBiasless = (layer: string, part: number): boolean => {
    const key = `${layer} ${part}`;
    const known =
      found.get(key) ??
      (!/norm\d?$/.test(layer) &&
        [...Array(architecture.depth).keys()].every(
          (index) => !tensors.has(naming.stored(`blocks.${index}.${layer}.bias`)[part]!),
        ));
    found.set(key, known);
    return known;
  };

  for (const [canonical, shape] of Object.entries(canonicalShapes(architecture))) {
    const { index, layer, part } = partsOf(canonical);
    const table = { 'rotary.cos': Math.cos, 'rotary.sin': Math.sin }[canonical];
    // Our own files hold them.
    if (table !== undefined && !tensors.has(canonical)) {
      sources[canonical] = { parts: [{ values: () => rotaryTable(architecture, table) }] };
      continue;
    }
    const names = naming.stored(canonical);
    const isPlacedOtherwise = architecture.rotary === true || architecture.relativePositionBias === true;
    if (canonical === 'pos_embed' && isPlacedOtherwise && !tensors.has(names[0]!)) {
      sources[canonical] = { parts: [{ zeros: sizeOf(shape) }] };
      if (architecture.relativePositionBias === true) notes.push('the tokens have no positions: zeros');
      continue;
    }
    const packed = packedRows(stored, naming, canonical, architecture);
    if (packed !== undefined) {
      const { from, of } = packed;
      const count = shape[0]!;
      const isAbsent = part === 'bias' && !tensors.has(names[0]!);
      const place = isAbsent ? { zeros: count } : take(names[0]!, [of, ...shape.slice(1)]);
      const rows = [from, from + count] as const;
      sources[canonical] = { parts: place === undefined ? [] : [{ ...place, ...(!isAbsent && { rows }) }] };
      continue;
    }
    const placed = placedRegisters(stored, naming, architecture);
    if (placed !== undefined && (canonical === 'pos_embed' || canonical === 'reg_token')) {
      const { name, shape: whole, before, behind } = placed;
      const place = take(name, whole);
      const rows = (from: number, to: number) =>
        place && to > from ? [{ ...place, rows: [from, to] as const }] : [];
      if (canonical === 'pos_embed') {
        sources[canonical] = { parts: [...rows(0, before), ...rows(behind, whole[1])] };
        notes.push('the positions of the registers are added to them');
        continue;
      }
      const [plus] = rows(before, behind);
      const tokens = take(names[0]!, shape);
      sources[canonical] = { parts: tokens ? [tokens] : [], ...(plus && { plus }) };
      continue;
    }
    const mayBeUnplaced =
      canonical === 'pos_embed' && isDefaultFamily(architecture.family) && architecture.classToken !== false;
    const positions = mayBeUnplaced ? [1, shape[1]! - 1, ...shape.slice(2)] : undefined;
    if (positions !== undefined && isAlike(tensors.get(names[0]!)?.shape ?? [], positions)) {
      // DeiT III: a class token without a position of its own (timm's no_embed_class).
      const patches = take(names[0]!, positions);
      sources[canonical] = { parts: [{ zeros: architecture.width }, ...(patches ? [patches] : [])] };
      notes.push('the class token has no position: zeros');
      continue;
    }
    if (canonical === 'head.weight' && naming.isHeadTransposed === true) {
      const place = take(names[0]!, [...shape].reverse());
      sources[canonical] = { parts: place ? [place] : [], isTransposed: true };
      continue;
    }
    const isPatchFlat = naming.isPatchFlat === true && shape.length === 4;
    const form = isPatchFlat ? [shape[0]!, sizeOf(shape.slice(1))] : shape;
    const rows = form[0]! / names.length;
    const parts = names.map((name, at) => {
      const isAbsent = part === 'bias' && !tensors.has(name);
      if (isAbsent && (index === undefined ? layer !== 'norm' : isBiasless(layer, at))) {
        biasless.add(names.length === 1 ? layer : (/(\w+?)[._]bias$/.exec(name)?.[1] ?? layer));
        return { zeros: rows };
      }
      return take(name, [rows, ...form.slice(1)]);
    });
    const scaleName = naming.scale(canonical);
    const scale = scaleName === undefined ? undefined : take(scaleName, [shape[0]!]);
    sources[canonical] = {
      parts: parts.filter((source) => source !== undefined),
      ...(scale !== undefined && { scale }),
      ...(isPatchFlat && { isPatchFlat }),
    };
  }
  if (naming.relativeTables === 'shared')
    notes.push('one table of relative positions is for all blocks: each takes a copy');
  if (biasless.size > 0) notes.push(`no bias in ${listed([...biasless])}: zeros`);
  const scaled = ['attn.proj', 'mlp.fc2'].filter(
    (layer) => naming.scale(`blocks.0.${layer}.weight`) !== undefined,
  );
  if (scaled.length > 0) notes.push(`LayerScale is folded into ${scaled.join(' and ')}`);
  const { refused, note } = sortUnused(stored, used, (name) => naming.isOther(name));
  if (note !== undefined) notes.push(note);

  const problems = [
    ...(missing.size > 0 ? [`missing ${listed([...missing])}`] : []),
    ...(wrong.size > 0 ? [listed([...wrong])] : []),
    ...(refused.length > 0 ? [`unknown ${listed(refused)}`] : []),
  ];
  if (problems.length === 0) return { tensors: sources, notes };
  const { width, depth } = architecture;
  const family = isDefaultFamily(architecture.family) ? 'ViT' : `${architecture.family}`;
  return fail({
    reason: 'checkpoint-unsupported',
    subject: stored.path,
    found: problems.join('; '),
    expected: `exactly the tensors of a ${family} of width ${width} with ${depth} blocks in ${naming.name} naming`,
    ...nextOf(stored, naming, missing, wrong, refused, architecture),
  });
}

/** Where a canonical tensor begins in a stored one of so many rows, in which gate and value, or query, key and value, are one. */
function packedRows(
  { tensors }: StoredCheckpoint,
  naming: Naming,
  canonical: string,
  { gated, hidden, width }: Architecture,
): { readonly from: number; readonly of: number } | undefined {
  const { layer } = partsOf(canonical);
  const [name = ''] = naming.stored(canonical);
  if (gated === true && (layer === 'mlp.fc1' || layer === 'mlp.gate')) {
    const weight = naming.stored(canonical.replace(/bias$/, 'weight'))[0]!;
    if (tensors.get(weight)?.shape[0] !== 2 * hidden) return undefined;
    return { from: layer === 'mlp.gate' ? 0 : hidden, of: 2 * hidden };
  }
  if (!name.includes('in_proj_') || !layer.startsWith('attn_pool.')) return undefined;
  return { from: layer === 'attn_pool.q' ? 0 : width, of: 3 * width };
}

/** Positions [1, T, D] that timm's models have for their registers as well, which stand in rows `before` to `behind`. */
function placedRegisters(
  { tensors }: StoredCheckpoint,
  naming: Naming,
  architecture: Architecture,
): { name: string; shape: readonly [number, number, number]; before: number; behind: number } | undefined {
  const { registers = 0, classToken } = architecture;
  const [name = ''] = naming.stored('pos_embed');
  const tokens = (canonicalShapes(architecture).pos_embed?.[1] ?? 0) + registers;
  if (registers === 0 || tensors.get(name)?.shape.at(-2) !== tokens) return undefined;
  const before = classToken === false ? 0 : 1;
  return { name, shape: [1, tokens, architecture.width], before, behind: before + registers };
}

/** The same numbers in the same order: tokens and positions are written with leading ones or without. */
function isAlike(found: readonly number[], shape: readonly number[]): boolean {
  if (shape.length !== 3) return found.join() === shape.join();
  return withoutLeadingOnes(found).join() === withoutLeadingOnes(shape).join();
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The line that does it, where there is one. */
function nextOf(
  { path, tensors }: StoredCheckpoint,
  naming: Naming,
  missing: ReadonlySet<string>,
  wrong: ReadonlySet<string>,
  refused: readonly string[],
  { depth, family }: Architecture,
): { next?: string } {
  if (missing.size === 0 && wrong.size === 0) return { next: nextOfUnknown(tensors, refused, depth) };
  if ([...missing].every((name) => /(?:norm\w*|ln_\d|\bln)\.bias$/.test(name)) && missing.size > 0) {
    const line = `python3 scripts/convert-checkpoint.py ${path} --zero-norm-bias`;
    return {
      next: `norms without bias are RMSNorms, which are not supported, or LayerNorms without bias: of the latter, ${line} makes a file that is read`,
    };
  }
  // `teacher.names` has the parts of ViTs alone.
  const isViT = isDefaultFamily(family) || family === deitFamily.name;
  return isViT && missing.size > 0 ? { next: howToName(tensors, naming) } : {};
}

/** Parts that change numbers wherever they stand; a matrix of another head does not. */
const changing =
  /norm|(?:^|[._])bn\d*[._]|running_(?:mean|var)|temperature|logit_scale|(?:^|[._])(?:mean|std|scale|gamma|lambda)(?:[._]?\d*)$|\.(?:ls\d|layer_?scale\w*)\.|gamma_\d|lambda_\d/i;

function nextOfUnknown(
  tensors: StoredCheckpoint['tensors'],
  refused: readonly string[],
  depth: number,
): string {
  const isLater = (name: string): boolean => {
    const index = /(?:^|\.)(?:blocks|layers?|encoder_layer)[._](\d+)\./.exec(name)?.[1];
    return index !== undefined && Number(index) >= depth;
  };
  if (refused.some(isLater)) {
    return `blocks are numbered from 0 without gaps, and block ${depth} has no first norm: export the whole model again`;
  }
  // A linear layer's weight has two axes: what has one is a norm's.
  const isNorm = (name: string): boolean => {
    const shape = tensors.get(name)?.shape;
    return name.endsWith('.weight') && shape?.length === 1 && shape[0] !== 1;
  };
  if (refused.some((name) => changing.test(name) || isNorm(name))) {
    return 'norms, scales and statistics change the answer wherever the model uses them: fold them into its weights (or, of pixels, into data.preprocessing) and save it without them; teacher.hints.ignore is for what it does not use';
  }
  if (refused.length > 20) return 'export the classifier alone';
  return `where the model's answer does not depend on them: --set 'teacher.hints.ignore=[${refused.join(', ')}]'`;
}
