import type { Architecture, FfnExtents } from '../model/architecture.ts';
import { ffnNames, ffnParts, isFfnName, partShape } from '../model/ffn-weights.ts';
import { canonicalShapes } from '../model/host-weights.ts';

/**
 * The tensors of a descendant by canonical name, as in a whole model (`blocks.3.mlp.fc1.weight`), with their shapes: the files
 * of a composition share no name.
 */
export function torchFfnShapes(block: number, extents: FfnExtents): Record<string, readonly number[]> {
  const names = ffnNames(block);
  const parts = ffnParts(extents.gated === true);
  // Stored as [out, in].
  return Object.fromEntries(parts.map((part) => [names[part], partShape(part, extents).reverse()]));
}

/** What `frame.safetensors` must hold: every tensor of the teacher but its FFN blocks. */
export function frameShapes(architecture: Architecture): Record<string, readonly number[]> {
  const all = Object.entries(canonicalShapes(architecture));
  return Object.fromEntries(all.filter(([name]) => !isFfnName(name)));
}
