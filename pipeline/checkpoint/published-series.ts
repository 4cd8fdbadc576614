import type { Architecture } from '../model/architecture.ts';
import { otherSizes, sizes, type Size, type SizeName } from './published-sizes.ts';

/** What a name tells of a model beside its size; what is left out is a plain ViT's. */
export type SeriesFacts = Readonly<
  Partial<
    Pick<
      Architecture,
      | 'family'
      | 'layerNormEpsilon'
      | 'gelu'
      | 'pool'
      | 'classToken'
      | 'registers'
      | 'normPre'
      | 'gated'
      | 'rotary'
      | 'relativePositionBias'
    >
  >
>;

/** Models that differ in size, patch and image alone. */
export interface Series {
  /** With SIZE, P (pixels of a patch) and S (pixels of an image). */
  readonly name: string;
  readonly sizes: Readonly<Record<string, Size>>;
  /** Where the name has no P. */
  readonly patchSize?: number;
  /** Where the name has no S. */
  readonly imageSize?: number;
  readonly facts: SeriesFacts;
  /** None of its weights are published with a classifier. */
  readonly headless?: true;
  /** Why no file of them can be read, where no weight shows it; they can be planned. */
  readonly unread?: string;
}

const some = (...names: readonly SizeName[]): Record<string, Size> =>
  Object.fromEntries(names.map((name) => [name, sizes[name]]));

const distilled = { family: 'deit' } as const;
const clip = { normPre: true, layerNormEpsilon: 1e-5 } as const;
const quick = { ...clip, gelu: 'quick' } as const;
const siglip = { classToken: false, pool: 'attention' } as const;
/** All patches, normalised, then their mean. */
const gap = { classToken: false, pool: 'normed-mean' } as const;
/** Their mean, then normalised. */
const meanFirst = (registers: number) => ({ classToken: false, pool: 'mean', registers }) as const;
const swish = { gelu: 'silu', gated: true } as const;
const rotary = { rotary: true } as const;
const unread = "rotary positions of timm's own kind";
const lingbot = { ...rotary, layerNormEpsilon: 1e-5, registers: 4 } as const;
/** timm's models of DINOv3 answer the mean of the normalised patches. */
const dinov3 = { ...lingbot, pool: 'normed-mean' } as const;
const beit = { relativePositionBias: true, pool: 'mean' } as const;
const tanh = { gelu: 'tanh' } as const;

const vitSizes = some('tiny', 'small', 'base', 'large', 'huge');
const giants = some('giant', 'gigantic');
const dinoSizes = some('small', 'base', 'large');
const dinoGiant = otherSizes.dino;
const clipSizes = some('xsmall', 'medium', 'betwixt', 'base', 'large', 'huge', 'giant', 'gigantic');

/**
 * timm's names of pre-norm ViTs; of several that fit, the first. Facts: timm 1.0.29, vision_transformer.py, deit.py, eva.py and beit.py.
 * `test/fixtures/architectures/make.py` reads them off timm's own modules.
 */
export const publishedSeries: readonly Series[] = [
  { name: 'vit_SIZE_patchP_S', sizes: vitSizes, facts: {} },
  { name: 'vit_SIZE_patchP_S', sizes: giants, facts: {} },
  { name: 'vit_SIZE_patchP_plus_S', sizes: otherSizes.plus, facts: {} },
  { name: 'vit_SIZE_patchP_36x1_S', sizes: otherSizes.deep, facts: {} },
  { name: 'flexivit_SIZE', sizes: dinoSizes, patchSize: 16, imageSize: 240, facts: {} },
  { name: 'deit_SIZE_patchP_S', sizes: some('tiny', 'small', 'base'), facts: {} },
  { name: 'deit_SIZE_distilled_patchP_S', sizes: some('tiny', 'small', 'base'), facts: distilled },
  { name: 'deit3_SIZE_patchP_S', sizes: some('small', 'medium', 'base', 'large', 'huge'), facts: {} },

  { name: 'vit_SIZE_patchP_dinov2', sizes: dinoSizes, imageSize: 518, facts: {}, headless: true },
  {
    name: 'vit_SIZE_patchP_reg4_dinov2',
    sizes: dinoSizes,
    imageSize: 518,
    facts: { registers: 4 },
    headless: true,
  },
  { name: 'vit_SIZE_patchP_dinov2', sizes: dinoGiant, imageSize: 518, facts: swish, headless: true },
  {
    name: 'vit_SIZE_patchP_reg4_dinov2',
    sizes: dinoGiant,
    imageSize: 518,
    facts: { ...swish, registers: 4 },
    headless: true,
  },
  {
    name: 'vit_SIZE_patchP_reg1_tipsv2',
    sizes: some('base', 'large', 'so400m'),
    imageSize: 448,
    facts: { registers: 1 },
    headless: true,
  },
  {
    name: 'vit_SIZE_patchP_reg1_tipsv2',
    sizes: dinoGiant,
    imageSize: 448,
    facts: { ...swish, registers: 1 },
    headless: true,
  },

  {
    name: 'vit_SIZE_patchP_dinov3',
    sizes: some('small', 'base', 'large'),
    imageSize: 256,
    facts: dinov3,
    headless: true,
  },
  {
    name: 'vit_SIZE_patchP_dinov3_qkvb',
    sizes: some('tiny', 'small', 'base', 'large'),
    imageSize: 256,
    facts: dinov3,
    headless: true,
  },
  {
    name: 'vit_SIZE_patchP_dinov3',
    sizes: some('small_plus', 'huge_plus', '7b'),
    imageSize: 256,
    facts: { ...dinov3, ...swish },
    headless: true,
  },
  {
    name: 'vit_SIZE_patchP_dinov3_qkvb',
    sizes: some('small_plus', 'huge_plus'),
    imageSize: 256,
    facts: { ...dinov3, ...swish },
    headless: true,
  },
  {
    name: 'vit_SIZE_patchP_lingbot',
    sizes: some('small', 'base', 'large'),
    imageSize: 512,
    facts: lingbot,
    headless: true,
  },
  {
    name: 'vit_SIZE_patchP_lingbot',
    sizes: dinoGiant,
    imageSize: 512,
    facts: { ...lingbot, ...swish },
    headless: true,
  },

  { name: 'vit_SIZE_patchP_clip_S', sizes: clipSizes, facts: clip },
  { name: 'vit_SIZE_patchP_plus_clip_S', sizes: otherSizes.plus, facts: clip, headless: true },
  { name: 'vit_SIZE_patchP_clip_quickgelu_S', sizes: clipSizes, facts: quick, headless: true },

  // SigLIP 2 brought sizes of its own, and with them the tanh form.
  {
    name: 'vit_SIZE_patch32_siglip_S',
    sizes: some('base'),
    patchSize: 32,
    facts: { ...siglip, ...tanh },
    headless: true,
  },
  {
    name: 'vit_SIZE_patch32_siglip_gap_S',
    sizes: some('base'),
    patchSize: 32,
    facts: { ...gap, ...tanh },
    headless: true,
  },
  {
    name: 'vit_SIZE_patch16_siglip_512',
    sizes: some('large'),
    patchSize: 16,
    imageSize: 512,
    facts: { ...siglip, ...tanh },
    headless: true,
  },
  {
    name: 'vit_SIZE_patch16_siglip_gap_512',
    sizes: some('large'),
    patchSize: 16,
    imageSize: 512,
    facts: { ...gap, ...tanh },
    headless: true,
  },
  {
    name: 'vit_SIZE_patch16_siglip_S',
    sizes: some('so400m', 'giantopt'),
    patchSize: 16,
    facts: { ...siglip, ...tanh },
    headless: true,
  },
  {
    name: 'vit_SIZE_patch16_siglip_gap_S',
    sizes: some('so400m', 'giantopt'),
    patchSize: 16,
    facts: { ...gap, ...tanh },
    headless: true,
  },
  { name: 'vit_SIZE_patchP_siglip_S', sizes: some('base', 'large'), facts: siglip, headless: true },
  // Some were fine-tuned on ImageNet-1k.
  { name: 'vit_SIZE_patchP_siglip_S', sizes: some('so400m'), facts: siglip },
  { name: 'vit_SIZE_patchP_siglip_gap_S', sizes: some('so400m'), facts: gap },
  {
    name: 'vit_SIZE_patchP_siglip_gap_S',
    sizes: some('base', 'large'),
    facts: gap,
    headless: true,
  },

  { name: 'vit_SIZE_patchP_rope_S', sizes: dinoSizes, facts: rotary, unread },
  { name: 'vit_SIZE_patchP_rope_ape_S', sizes: dinoSizes, facts: rotary, unread },
  {
    name: 'vit_SIZE_patchP_rope_reg1_gap_S',
    sizes: some('medium', 'mediumd', 'base'),
    facts: { ...meanFirst(1), ...rotary },
    unread,
  },
  {
    name: 'vit_SIZE_patchP_rope_reg4_gap_S',
    sizes: some('betwixt'),
    facts: { ...meanFirst(4), ...rotary },
    unread,
  },

  { name: 'vit_SIZE_patchP_gap_S', sizes: otherSizes.gap, facts: gap },
  { name: 'vit_SIZE_patchP_gap_S', sizes: some('medium', 'betwixt', 'huge', 'giant'), facts: gap },
  { name: 'vit_SIZE_patchP_reg4_gap_S', sizes: some('so150m'), facts: { ...gap, registers: 4 } },
  {
    name: 'vit_SIZE_patchP_reg4_map_S',
    sizes: some('so150m'),
    facts: { ...siglip, pool: 'patch-attention', registers: 4 },
  },
  {
    name: 'vit_SIZE_patchP_reg1_gap_S',
    sizes: some('wee', 'little', 'medium', 'betwixt', 'so150m2'),
    facts: meanFirst(1),
  },
  {
    name: 'vit_SIZE_patchP_reg4_gap_S',
    sizes: some('little', 'medium', 'mediumd', 'betwixt', 'base'),
    facts: meanFirst(4),
  },

  { name: 'beit_SIZE_patchP_S', sizes: some('base', 'large'), facts: beit },
  { name: 'beitv2_SIZE_patchP_S', sizes: some('base', 'large'), facts: beit },
];
