import type { Preprocessing } from '../../datasets/contract.ts';
import { deitFamily } from '../model/family/deit.ts';
import type { Architecture } from '../model/architecture.ts';
import { namedSwin } from './swin/architectures.ts';

/** What a published architecture's name tells, shapes included so that a wrong name is noticed. */
export interface NamedArchitecture {
  readonly facts: Pick<
    Architecture,
    | 'family'
    | 'width'
    | 'depth'
    | 'heads'
    | 'hidden'
    | 'patchSize'
    | 'imageSize'
    | 'layerNormEpsilon'
    | 'gelu'
    | 'stages'
    | 'window'
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
  medium: { width: 512, depth: 12, heads: 8, hidden: 2048 },
  giant: { width: 1408, depth: 40, heads: 16, hidden: 6144 },
  gigantic: { width: 1664, depth: 48, heads: 16, hidden: 8192 },
  'base plus': { width: 896, depth: 12, heads: 14, hidden: 3584 },
  'small 36x1': { width: 384, depth: 36, heads: 6, hidden: 1536 },
} as const;

type Size = keyof typeof sizes;

/** The sizes that timm has of a family, of which `giant` and what follows it had no weights of their own. */
const families: Readonly<Record<'vit' | 'deit' | 'deit3' | 'dinov2' | 'flexivit', readonly Size[]>> = {
  vit: ['tiny', 'small', 'base', 'large', 'huge', 'giant', 'gigantic', 'base plus', 'small 36x1'],
  deit: ['tiny', 'small', 'base'],
  deit3: ['small', 'medium', 'base', 'large', 'huge'],
  dinov2: ['small', 'base', 'large'],
  flexivit: ['small', 'base', 'large'],
};
const familyNames = Object.keys(families) as readonly (keyof typeof families)[];

const torchvision = {
  vit_b_16: { size: 'base', patchSize: 16, resize: 256 },
  vit_b_32: { size: 'base', patchSize: 32, resize: 256 },
  vit_l_16: { size: 'large', patchSize: 16, resize: 242 },
  vit_l_32: { size: 'large', patchSize: 32, resize: 256 },
} as const;

export const imagenetNormalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;

export const knownNames =
  'vit_{tiny,small,base,large,huge,giant,gigantic}_patchP_S, deit_{tiny,small,base}[_distilled]_patchP_S, ' +
  'deit3_{small,medium,base,large,huge}_patchP_S, vit_{small,base,large}_patch14_dinov2, ' +
  'flexivit_{small,base,large} (timm; P and S in pixels), ' +
  `swin_{tiny,small,base,large}_patch4_window{7_224,12_384} (timm), ${Object.keys(torchvision).join(', ')} (torchvision)`;

/**
 * `vit_base_patch16_224`, with or without timm's `.tag`, or `vit_b_16`. Undefined for names that mean anything else
 * (`_clip_`, `_gap_`, ...): those models differ in more than their sizes.
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
  const swin = namedSwin(name);
  if (swin !== undefined) return swin;
  const flexible = /^flexivit_([a-z]+)(?:\.\w+)?$/.exec(name)?.[1];
  if (flexible !== undefined && isOneOf(flexible, families.flexivit))
    return {
      facts: { ...sizes[flexible], patchSize: 16, imageSize: 240, ...common },
    };
  const match =
    /^(vit|deit3?)_([a-z]+)(_distilled)?_patch(\d+)_(?:(plus|36x1)_)?(\d+|dinov2)(_in21k|_miil|_miil_in21k|_sam|_dino)?(?:\.(\w+))?$/.exec(
      name,
    );
  if (match === null) return undefined;
  const [, kind = '', plain = '', distilled, patch, more, image, suffix, ownTag] = match;
  const family = image === 'dinov2' && kind === 'vit' ? image : kind;
  const size = more === undefined ? plain : `${plain} ${more}`;
  if (!isOneOf(family, familyNames) || !isOneOf(size, families[family])) return undefined;
  if (image === 'dinov2' && family !== 'dinov2') return undefined;
  if (distilled !== undefined && family !== 'deit') return undefined;
  const imageSize = image === 'dinov2' ? 518 : Number(image);
  const facts = {
    ...(distilled !== undefined && { family: deitFamily.name }),
    ...sizes[size],
    patchSize: Number(patch),
    imageSize,
    ...common,
  };
  if (!isOneOf(family, ['vit', 'deit']) || families.vit.indexOf(size) > 4) return { facts };
  const tag = suffix?.slice(1) ?? ownTag;
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

function isOneOf<T extends string>(name: string, names: readonly T[]): name is T {
  return (names as readonly string[]).includes(name);
}
