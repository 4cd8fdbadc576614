import { imagenetStatistics } from '../../../datasets/preprocessing.ts';
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

/** Images as torchvision prepares them for its weights: the shortest side before the crop of 224. */
const torchvision = {
  swin_t: { size: 'tiny', resize: 232 },
  swin_s: { size: 'small', resize: 246 },
  swin_b: { size: 'base', resize: 238 },
} as const;
export const torchvisionSwins: readonly string[] = Object.keys(torchvision);

/** `swin_tiny_patch4_window7_224`, with or without timm's `.tag`, or torchvision's `swin_t`. */
export function namedSwin(name: string): NamedArchitecture | undefined {
  if (Object.hasOwn(torchvision, name)) {
    const { size, resize } = torchvision[name as keyof typeof torchvision];
    const how = { resize, resizeMode: 'shortest', interpolation: 'bicubic', ...imagenetStatistics } as const;
    return { facts: factsOf(size, 224), preprocessing: how };
  }
  const match = /^swin_(tiny|small|base|large)_patch4_window(7_224|12_384)(?:_in22k)?(?:\.\w+)?$/.exec(name);
  if (match === null) return undefined;
  const imageSize = match[2] === '7_224' ? 224 : 384;
  return {
    facts: factsOf(match[1] as keyof typeof sizes, imageSize),
    preprocessing: publishedPreparation(name, imageSize),
  };
}

function factsOf(size: keyof typeof sizes, imageSize: 224 | 384): NamedArchitecture['facts'] {
  const { width, heads, depths } = sizes[size];
  const stages = depths.map((depth, stage) => ({
    depth,
    width: width * 2 ** stage,
    heads: heads * 2 ** stage,
    hidden: 4 * width * 2 ** stage,
  }));
  return {
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
  };
}
