/** The parameters of an FFN block by what they are in a `FfnWeights`; every list of them has this order. */
export const ffnParts = ['fc1Kernel', 'fc1Bias', 'fc2Kernel', 'fc2Bias'] as const;
export type FfnPart = (typeof ffnParts)[number];

/** Their canonical names in a whole model, in the same order. As stored, kernels are [out, in]: fc1 [H, D], fc2 [D, H]. */
export function ffnNames(block: number): Readonly<Record<FfnPart, string>> {
  const mlp = `blocks.${block}.mlp`;
  return {
    fc1Kernel: `${mlp}.fc1.weight`,
    fc1Bias: `${mlp}.fc1.bias`,
    fc2Kernel: `${mlp}.fc2.weight`,
    fc2Bias: `${mlp}.fc2.bias`,
  };
}

/** Whether a canonical name is a parameter of some FFN block; all others make the frame. */
export function isFfnName(name: string): boolean {
  return /^blocks\.\d+\.mlp\./.test(name);
}
