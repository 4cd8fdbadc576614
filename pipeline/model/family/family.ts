import type { ImageSize } from './image-size.ts';

export const geluNames = ['exact', 'tanh', 'quick', 'silu', 'relu'] as const;

/**
 * exact: x Phi(x) by erf. tanh: its tanh form. quick: x sigmoid(1.702 x). silu: x sigmoid(x), its limit of slope 1, which gated blocks
 * take (Hendrycks & Gimpel 2016). relu: max(x, 0), which no ViT is published with and many are written with.
 */
export type Gelu = (typeof geluNames)[number];

export const poolNames = [
  'mean',
  'normed-mean',
  'unnormed-mean',
  'max',
  'normed-max',
  'class-and-mean',
  'attention',
  'patch-attention',
] as const;

export const answerNames = ['pooled', 'projected'] as const;

/** The extents of one encoder layer, where layers differ. */
export type LayerShape = Readonly<{
  heads: number;
  /** Of queries and keys, per head, equal for all heads of the layer. */
  keySize: number;
  /** Of values, per head. */
  valueSize: number;
  /** H of the layer's FFN. */
  hidden: number;
}>;

/** Layers that follow each other on one map of tokens; the next stage has a coarser map and a wider stream. */
export type Stage = Readonly<{
  depth: number;
  /** D of its blocks. */
  width: number;
  heads: number;
  /** H of its FFNs. */
  hidden: number;
}>;

/** What makes tokens of an image by convolutions, each followed by ReLU and max pooling of 3 x 3 at every second place. */
export type Tokenizer = Readonly<{
  layers: number;
  /** Rows and columns of a convolution; odd. */
  kernel: number;
  /** Between the layers; the last gives the width. */
  channels: number;
}>;

/** Everything about a model that is not a weight. */
export interface Architecture {
  /** Which `Family` reads the rest. Absent is `vit`: files from before there were others stay as they are. */
  readonly family?: string | undefined;
  readonly imageSize: ImageSize;
  readonly patchSize: number;
  readonly channels: 1 | 3;
  /** D: width of the residual stream. */
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** H of the teacher's FFN blocks. */
  readonly hidden: number;
  readonly classes: number;
  readonly layerNormEpsilon: number;
  /** What the FFN blocks do to their hidden units, or to those of their gates. */
  readonly gelu: Gelu;
  /** The FFN blocks have a gate: `FfnWeights`. */
  readonly gated?: true | undefined;
  /**
   * What a ViT's head reads; absent is the normalised class token. mean: the mean of the patches, then normalised (timm's
   * `fc_norm`). normed-mean: the mean of the normalised patches. unnormed-mean: the mean of the patches, there being no last norm
   * (transformers' `CLIPForImageClassification`). max, normed-max: their maximum. class-and-mean: the normalised class token, and beside
   * it the mean of the normalised patches (DINOv2's linear heads). attention: what a learned query finds in the normalised tokens, and an
   * MLP makes of it (SigLIP; timm's `attn_pool` in `Eva`). patch-attention: in the normalised patches alone, where other tokens stand before
   * them (timm's `VisionTransformer`).
   */
  readonly pool?: (typeof poolNames)[number] | undefined;
  /** Of a ViT: how many numbers a linear layer with tanh makes of what is pooled, which the head takes instead (`pre_logits`). */
  readonly representation?: number | undefined;
  /** Of a ViT without a class token. */
  readonly classToken?: false | undefined;
  /** Of a ViT: tokens behind the class token, without positions, that nothing reads (Darcet et al. 2024). */
  readonly registers?: number | undefined;
  /** Of a ViT: a norm of the tokens before the first block (CLIP). */
  readonly normPre?: true | undefined;
  /** Of a ViT: queries and keys of the patches are turned by angles that depend on the place (Su et al. 2021), as its tables say. */
  readonly rotary?: true | undefined;
  /**
   * Of a ViT with a class token alone before its patches: attention adds to its scores a learned number for every relative position of
   * two tokens and every head, another in each block (Bao et al., "BEiT", 2022).
   */
  readonly relativePositionBias?: true | undefined;
  /** Of a distilled DeiT: the token that the one head reads. Absent: both, with a head for each. */
  readonly reads?: 'class' | 'distillation' | undefined;
  /**
   * Absent: a classifier. Else the model's answer is a feature vector of `classes` numbers, which no class belongs to. pooled: what
   * a head would read (`classes` is the feature width, and there is no head). projected: the head is a projection of that.
   */
  readonly answer?: (typeof answerNames)[number] | undefined;
  /** One per layer, in families whose layers differ; `heads` and `hidden` are then the largest of them. */
  readonly layers?: readonly LayerShape[] | undefined;
  /** In families whose stream changes on the way: the stages in order; `width`, `heads` and `hidden` are then the largest of them. */
  readonly stages?: readonly Stage[] | undefined;
  /** Of a Swin: rows and columns of a window in tokens, where the image has more. */
  readonly window?: number | undefined;
  /** What the norms of a narrowed stream divide its squared length by: the width before; absent is `width`. */
  readonly normWidth?: number | undefined;
  /** Of a sliced ViT: it was cut out of a distilled DeiT, so there are a distillation token and a head for it. Default: no. */
  readonly distilled?: true | undefined;
  /** Of a CCT. */
  readonly tokenizer?: Tokenizer | undefined;
}

export interface MixingMacs {
  /** Of tokens with weights: q, k, v, the output projection. */
  readonly projections: number;
  /** Of tokens with tokens: the scores and the weighted sum of values. */
  readonly scores: number;
}

/**
 * What is known of a family of models without computing: plans and readers of files ask here, so nothing of this loads
 * an engine. How such a model computes is a `Backbone`.
 *
 * Canonical names are this code base's, and timm's where timm has the part. What holds for every family: block i is below
 * `blocks.i.`, its FFN is named by `ffnNames`, the parameters of a LayerNorm end in `norm.weight` or `normN.weight`,
 * matrices are [out, in], and kernels of patches and convolutions alone have four axes.
 */
export interface Family {
  /** As files name it. */
  readonly name: string;
  /** As people name one of its models: "Vision Transformer". */
  readonly title: string;
  /** Whether such models are only ever made of others, so that none is trained from nothing. Default: no. */
  readonly derived?: boolean | undefined;
  /** Why an architecture can be none of the family's, in words that follow its name; undefined where it can. */
  problem?(architecture: Architecture): string | undefined;
  /** Tokens before the patches: a class token, a distillation token, registers. The first ones are what the head reads. */
  prefixTokens(architecture: Architecture): number;
  /** Tokens per image in the stream of a block, after its mixing. Default: the patches and what stands before them, in every block. */
  blockTokens?(architecture: Architecture, block: number): number;
  /** Multiply-adds per image of a block's token mixing. Default: attention over all tokens. */
  mixingMacs?(architecture: Architecture, block: number): MixingMacs;
  /** How many tokens per image the head reads, where these are not all: what `Backbone.headOnly` computes. */
  lastBlockTokens?(architecture: Architecture): number;
  /** The heads by canonical name, the mean of whose logits is the answer. Default: `head`. */
  heads?(architecture: Architecture): readonly string[];
  /** How many numbers per image the head's last layer takes: what `Backbone.pool` gives. Default: the width. */
  featureWidth?(architecture: Architecture): number;
  /** Every canonical name with its shape, in the order of the forward pass. */
  shapes(architecture: Architecture): Record<string, readonly number[]>;
  /** Multiply-adds per image of everything but the FFN blocks. */
  frameMacs(architecture: Architecture): number;
}
