import type { Architecture } from './family.ts';

/**
 * Pooling by attention (Zhai et al., "Sigmoid loss for language image pre-training", 2023; timm's `attn_pool`): one learned query with the
 * model's heads, and an MLP of its own of H hidden units behind a norm, which is not pruned.
 */
export function attentionPoolShapes({ width, hidden }: Architecture): Record<string, readonly number[]> {
  const layers: readonly (readonly [string, readonly number[]])[] = [
    ['q', [width, width]],
    ['kv', [2 * width, width]],
    ['proj', [width, width]],
    ['norm', [width]],
    ['mlp.fc1', [hidden, width]],
    ['mlp.fc2', [width, hidden]],
  ];
  const shapes = layers.flatMap(([name, shape]): [string, readonly number[]][] => [
    [`attn_pool.${name}.weight`, shape],
    [`attn_pool.${name}.bias`, [shape[0]!]],
  ]);
  return { 'attn_pool.latent': [1, 1, width], ...Object.fromEntries(shapes) };
}

/** Whether a head reads what such a query finds, in whichever tokens. */
export function isAttentionPool(pool: Architecture['pool']): boolean {
  return pool === 'attention' || pool === 'patch-attention';
}

/** Multiply-adds for an image of so many tokens. */
export function attentionPoolMacs({ width, hidden }: Architecture, tokens: number): number {
  return tokens * 2 * width ** 2 + 2 * tokens * width + 2 * width ** 2 + 2 * width * hidden;
}
