import type { Architecture } from '../model/architecture.ts';

type Size = Readonly<Pick<Architecture, 'width' | 'depth' | 'heads' | 'hidden'>>;

const size = (width: number, depth: number, heads: number, hidden: number): Size => ({
  width,
  depth,
  heads,
  hidden,
});

/** What the word for a size means in timm's names. */
export const sizes = {
  tiny: size(192, 12, 3, 768),
  xsmall: size(256, 10, 4, 1024),
  wee: size(256, 14, 4, 1280),
  little: size(320, 14, 5, 1792),
  small: size(384, 12, 6, 1536),
  small_plus: size(384, 12, 6, 1536),
  medium: size(512, 12, 8, 2048),
  mediumd: size(512, 20, 8, 2048),
  betwixt: size(640, 12, 10, 2560),
  base: size(768, 12, 12, 3072),
  so150m2: size(832, 21, 13, 2176),
  so150m: size(896, 18, 14, 2304),
  large: size(1024, 24, 16, 4096),
  so400m: size(1152, 27, 16, 4304),
  huge: size(1280, 32, 16, 5120),
  huge_plus: size(1280, 32, 20, 5120),
  giant: size(1408, 40, 16, 6144),
  giantopt: size(1536, 40, 16, 6144),
  gigantic: size(1664, 48, 16, 8192),
  '7b': size(4096, 40, 32, 8192),
} as const;

/** Where a series means something else by the same word. */
export const otherSizes = {
  /** `vit_base_patch16_plus_240`. */
  plus: { base: size(896, 12, 14, 3584) },
  /** `vit_small_patch16_36x1_224`: three times as deep. */
  deep: { small: size(384, 36, 6, 1536) },
  /** `vit_base_patch16_gap_224`: I-JEPA's and data2vec's encoders have narrower heads. */
  gap: { base: size(768, 12, 16, 3072) },
  /** DINOv2's and DINOv3's giant is another than that of Zhai et al. */
  dino: { giant: size(1536, 40, 24, 4096) },
} as const;

export type SizeName = keyof typeof sizes;
export type { Size };
