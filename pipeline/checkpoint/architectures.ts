import type { Preprocessing } from '../../datasets/contract.ts';
import type { Architecture } from '../model/architecture.ts';

/** What a published architecture's name tells, shapes included so that a wrong name is noticed. */
export interface NamedArchitecture {
  readonly facts: Pick<
    Architecture,
    'width' | 'depth' | 'heads' | 'hidden' | 'patchSize' | 'imageSize' | 'layerNormEpsilon' | 'gelu'
  >;
  /** What the published weights of that name were trained with; without the fields that depend on the model. */
  readonly preprocessing?: Omit<Preprocessing, 'crop' | 'channels'>;
}

const sizes = {
  tiny: { width: 192, depth: 12, heads: 3, hidden: 768 },
  small: { width: 384, depth: 12, heads: 6, hidden: 1536 },
  base: { width: 768, depth: 12, heads: 12, hidden: 3072 },
  large: { width: 1024, depth: 24, heads: 16, hidden: 4096 },
  huge: { width: 1280, depth: 32, heads: 16, hidden: 5120 },
} as const;

const torchvision = {
  vit_b_16: { size: 'base', patchSize: 16, resize: 256 },
  vit_b_32: { size: 'base', patchSize: 32, resize: 256 },
  vit_l_16: { size: 'large', patchSize: 16, resize: 242 },
  vit_l_32: { size: 'large', patchSize: 32, resize: 256 },
} as const;

export const imagenetNormalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;

export const knownNames =
  'vit_{tiny,small,base,large,huge}_patchP_S and deit_{tiny,small,base}_patchP_S (timm; P and S in pixels), ' +
  `${Object.keys(torchvision).join(', ')} (torchvision)`;

/**
 * `vit_base_patch16_224`, with or without timm's `.tag`, or `vit_b_16`. Undefined for names that mean anything else
 * (`_clip_`, `_distilled_`, `_quickgelu_`, ...): those models differ in more than their sizes.
 *
 * timm and torchvision both use a LayerNorm epsilon of 1e-6 and the exact GELU in these models.
 */
export function namedArchitecture(name: string): NamedArchitecture | undefined {
  const common = { layerNormEpsilon: 1e-6, gelu: 'exact' } as const;
  if (Object.hasOwn(torchvision, name)) {
    const { size, patchSize, resize } = torchvision[name as keyof typeof torchvision];
    return {
      facts: { ...sizes[size], patchSize, imageSize: 224, ...common },
      preprocessing: { resize, resizeMode: 'shortest', interpolation: 'bilinear', ...imagenetNormalisation },
    };
  }
  const match = /^(vit|deit)_(tiny|small|base|large|huge)_patch(\d+)_(\d+)(?:\.(\w+))?$/.exec(name);
  if (match === null) return undefined;
  const [, family, size, patch, image, tag] = match;
  const imageSize = Number(image);
  const facts = { ...sizes[size as keyof typeof sizes], patchSize: Number(patch), imageSize, ...common };
  // Other tags (sam, miil, dino, ...) were trained with other statistics; nothing is recommended for those.
  const published = family === 'deit' || tag === undefined || /^(?:augreg|orig)/.test(tag);
  if (!published) return { facts };
  return {
    facts,
    preprocessing: {
      resize: imageSize > 224 ? imageSize : Math.floor(imageSize / 0.9),
      resizeMode: 'shortest',
      interpolation: 'bicubic',
      ...(family === 'deit' ? imagenetNormalisation : half),
    },
  };
}
