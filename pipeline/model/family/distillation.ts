import type { Architecture } from './family.ts';

/** The shapes of a ViT with a distillation token behind its class token, and a second head, which reads it. */
export function withDistillation(
  shapes: Record<string, readonly number[]>,
  { width, classes }: Pick<Architecture, 'width' | 'classes'>,
): Record<string, readonly number[]> {
  const { cls_token, pos_embed, ...others } = shapes as { cls_token: number[]; pos_embed: number[] };
  return {
    cls_token,
    dist_token: [1, 1, width],
    pos_embed: [1, pos_embed[1]! + 1, width],
    ...others,
    'head_dist.weight': [classes, width],
    'head_dist.bias': [classes],
  };
}
