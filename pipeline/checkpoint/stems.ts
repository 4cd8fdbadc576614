import type { StoredCheckpoint } from './locate.ts';

type Tensors = StoredCheckpoint['tensors'];

/** A canonical name taken apart: `blocks.3.mlp.fc1.weight` -> 3, `mlp.fc1`, `weight`. */
export function partsOf(canonical: string): { index: string | undefined; layer: string; part: string } {
  const [, index, layer = '', part = ''] =
    /^(?:blocks\.(\d+)\.)?(.*?)(?:\.(weight|bias))?$/.exec(canonical) ?? [];
  return { index, layer, part };
}

/** A stored name without `.weight`, `.bias`, or the `_weight`, `_bias` of nn.MultiheadAttention's `in_proj`. */
export function stemOf(name: string): string {
  return name.replace(/\.(?:weight|bias)$|(?<=in_proj)_(?:weight|bias)$/, '');
}

/**
 * The stored name of a part of a layer, whichever way it is written; of a parameter that is no layer the name itself.
 * @param part `weight` or `bias`; nothing for a tensor that is all there is (a token, positions)
 */
export function partName(tensors: Tensors, stem: string, part = ''): string {
  if (part === '') return !tensors.has(stem) && tensors.has(`${stem}.weight`) ? `${stem}.weight` : stem;
  return tensors.has(`${stem}_weight`) ? `${stem}_${part}` : `${stem}.${part}`;
}

/** The weight of a layer, under any of the ways to write it. */
export function weightShape(tensors: Tensors, stem: string): readonly number[] | undefined {
  return (tensors.get(partName(tensors, stem, 'weight')) ?? tensors.get(stem))?.shape;
}

/** `[1, 1, D]` and `[1, D]` are `[D]`: tokens and positions are written with leading ones or without. */
export function withoutLeadingOnes(shape: readonly number[]): readonly number[] {
  const first = shape.findIndex((extent) => extent !== 1);
  return first < 0 ? shape.slice(-1) : shape.slice(first);
}

/** A prefix as the user says it, with the dot that ends it; nothing is before all names. */
export function withDot(prefix: string): string {
  return prefix === '' ? '' : prefix.replace(/\.?$/, '.');
}

/** What stands before a tensor of this name, for each that the file has, wherever a trainer put it: nothing, or `net.`. */
export function prefixesOf(name: string, stored: Iterable<string>): readonly string[] {
  return [...stored]
    .filter((own) => own === name || own.endsWith(`.${name}`))
    .map((own) => own.slice(0, -name.length));
}
