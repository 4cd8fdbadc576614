import { swinFamily } from '../../model/family/swin.ts';
import type { NamedArchitecture } from '../named-architecture.ts';
import { publishedPreparation } from '../published-preparation.ts';

/** The published sizes (Liu et al. 2021, section 3.3): the first stage's width, and blocks by stage. */
const sizes = {
  tiny: { width: 96, heads: 3, depths: [2, 2, 6, 2] },
  small: { width: 96, heads: 3, depths: [2, 2, 18, 2] },
  base: { width: 128, heads: 4, depths: [2, 2, 18, 2] },
  large: { width: 192, heads: 6, depths: [2, 2, 18, 2] },
} as const;

/** What every published Swin has, in whatever library. */
export const swinDefaults = { layerNormEpsilon: 1e-5, gelu: 'exact' } as const;

/** `swin_tiny_patch4_window7_224`, with or without timm's `.tag`. */
export function namedSwin(name: string): NamedArchitecture | undefined {
  const match = /^swin_(tiny|small|base|large)_patch4_window(7_224|12_384)(?:_in22k)?(?:\.\w+)?$/.exec(name);
  if (match === null) return undefined;
  const { width, heads, depths } = sizes[match[1] as keyof typeof sizes];
  const stages = depths.map((depth, stage) => ({
    depth,
    width: width * 2 ** stage,
    heads: heads * 2 ** stage,
    hidden: 4 * width * 2 ** stage,
  }));
  const imageSize = match[2] === '7_224' ? 224 : 384;
  return {
    facts: {
      family: swinFamily.name,
      width: 8 * width,
      depth: depths.reduce((sum, depth) => sum + depth, 0),
      heads: 8 * heads,
      hidden: 32 * width,
      patchSize: 4,
      imageSize,
      stages,
      window: imageSize === 224 ? 7 : 12,
      ...swinDefaults,
    },
    preprocessing: publishedPreparation(name, imageSize),
  };
}
