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
  /** The head is no classifier, but a projection into a space of images and texts. */
  readonly projects?: boolean;
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

/**
 * A library's names as data. Keys are canonical names without `.weight` or `.bias`, values stored names below the model's
 * prefix, in which `{part}` stands for `weight` or `bias`. Of several, the first that the file has is meant.
 */
export interface NamingTable {
  readonly name: NamingName;
  /** The tensor that shows that a model of this library lies below the text before it. */
  readonly anchor: string;
  readonly frame: Readonly<Record<string, readonly string[]>>;
  /** Older and newer names of the blocks, below `path` with `{index}`. */
  readonly blocks: readonly BlockTable[];
  /** Where the library puts the head; it may also lie above the prefix. */
  readonly head: string;
  /** The library's class has no head of its own. */
  readonly isTower?: boolean;
  /** The head projects into a space of images and texts; transposed: it is stored as [D, P]. */
  readonly projection?: 'plain' | 'transposed';
  /** Of distilled DeiTs: where it puts the heads of the class token and of the distillation token. */
  readonly distilledHeads?: readonly [string, string];
  /** Part of the prefix as the library itself writes it: nothing to tell of. */
  readonly own?: RegExp;
}

export interface BlockTable {
  readonly path: string;
  /** Several names of one layer are stacked along the first axis: separate q, k, v. */
  readonly layers: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** LayerScale by the layer whose outputs it multiplies. */
  readonly scales: Readonly<Record<string, readonly string[]>>;
}

export const part = (name: string): string => `${name}.{part}`;
export const separate = (...names: readonly string[]): readonly string[] => names.map(part);
export const one = (...names: readonly string[]): readonly (readonly string[])[] =>
  names.map((name) => [part(name)]);

/** DINOv2's and DINOv3's; `weights_in` is gate and value in one. */
export const gatedMlp = {
  'mlp.fc1': one('mlp.up_proj', 'mlp.weights_in', 'mlp.fc1'),
  'mlp.gate': one('mlp.gate_proj', 'mlp.weights_in', 'mlp.fc1'),
  'mlp.fc2': one('mlp.down_proj', 'mlp.weights_out', 'mlp.fc2'),
};

export const huggingfaceScales = {
  'attn.proj': ['layer_scale1.lambda1', 'lambda_1'],
  'mlp.fc2': ['layer_scale2.lambda1', 'lambda_2'],
};
