import type { PoolName } from './pool-name.ts';

/** The libraries whose names are read. pytorch: of people's own models. told: by `teacher.names`. */
export type NamingName = 'timm' | 'huggingface' | 'torchvision' | 'openclip' | 'pytorch' | 'told';

/** How one file names what `canonicalShapes` lists. */
export interface Naming {
  readonly name: NamingName;
  /** The stored tensors that make a canonical one; several are stacked along the first axis (separate q, k, v). */
  stored(canonical: string): readonly string[];
  /** A tensor that multiplies the outputs of the layer of a canonical tensor (LayerScale), where the file has it. */
  scale(canonical: string): string | undefined;
  /** Names, without `.weight`, of what the file has or may have for a head. */
  readonly heads: readonly string[];
  /** The file has tables of biases of relative positions. own: one for each block. shared: one for all. */
  readonly relativeTables?: 'own' | 'shared' | 'both';
  /** The head is no classifier, but a projection into a space of images and texts. */
  readonly projects?: boolean;
  /** What the head of the library's class reads, where its names tell the class. */
  readonly pool?: PoolName;
  /** Without stored positions these are rotary (DINOv3). */
  readonly isRotary?: boolean;
  /** A class of models that has no head of its own. */
  readonly isTower?: boolean;
  /** The head is stored as [D, P], not as [P, D]. */
  readonly isHeadTransposed?: boolean;
  /** The last norm comes after pooling (timm's `fc_norm`). */
  readonly isNormAfterPool: boolean;
  /** Of a distilled DeiT, which parts the file has: the token, and the head that reads it. */
  readonly distillation: { readonly token?: string | undefined; readonly head?: string | undefined };
  /** Whether a tensor is of another model in the file than the one that was asked for. */
  isOther(stored: string): boolean;
  /**
   * What the names say of norms: absent, of a library that has them before attention and FFN (pre-norm). assumed: nothing, and most
   * models are so. open: nn.TransformerEncoderLayer, which has them behind unless it is told otherwise.
   */
  readonly norms?: 'assumed' | 'open';
  /** The patch embedding is a matrix [D, p p C] over flat patches: by row, column, channel. */
  readonly isPatchFlat?: boolean;
  /** What was left out or is named otherwise than usual, for people. */
  readonly notes: readonly string[];
}

/** What the user says of where the model lies. */
export interface NamingHints {
  /** What stands before the names of the model to read. */
  readonly prefix?: string | undefined;
  /** The head's name without `.weight`. */
  readonly head?: string | undefined;
  /** No head is wanted. */
  readonly headless?: boolean | undefined;
}
