import type { Architecture } from '../model/architecture.ts';
import { ffnNames, isFfnName } from '../model/ffn-weights.ts';
import { canonicalShapes } from '../model/host-weights.ts';

/** The size of an FFN block: hidden units, and the width of the residual stream. */
export interface FfnExtents {
  readonly hidden: number;
  readonly width: number;
}

/**
 * The tensors of a descendant by canonical name, as in a whole model (`blocks.3.mlp.fc1.weight`), with their shapes: the files
 * of a composition share no name.
 */
export function torchFfnShapes(
  block: number,
  { hidden, width }: FfnExtents,
): Record<string, readonly number[]> {
  const names = ffnNames(block);
  return {
    [names.fc1Kernel]: [hidden, width],
    [names.fc1Bias]: [hidden],
    [names.fc2Kernel]: [width, hidden],
    [names.fc2Bias]: [width],
  };
}

/** What `frame.safetensors` must hold: every tensor of the teacher but its FFN blocks. */
export function frameShapes(architecture: Architecture): Record<string, readonly number[]> {
  const all = Object.entries(canonicalShapes(architecture));
  return Object.fromEntries(all.filter(([name]) => !isFfnName(name)));
}
