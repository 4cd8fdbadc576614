import type { NamingName } from './naming-contract.ts';
import type { PoolName } from './pool-name.ts';

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
  /** Without stored positions these are rotary: always, or where this is the name of the first LayerScale. */
  readonly rotary?: true | string;
  /** The library's class has no head of its own. */
  readonly isTower?: boolean;
  /** The head projects into a space of images and texts; transposed: it is stored as [D, P]. */
  readonly projection?: 'plain' | 'transposed' | undefined;
  /** The head has this name alone: what usually is one is another part. */
  readonly isHeadAlone?: boolean;
  /** Of the library's classes with a classifier beside such a model, whose head takes the place of `head` and `projection`. */
  readonly classifiers?: readonly ClassifierTable[];
  /** Of distilled DeiTs: where it puts the heads of the class token and of the distillation token. */
  readonly distilledHeads?: readonly [string, string];
  /** Part of the prefix as the library itself writes it: nothing to tell of. */
  readonly own?: RegExp;
}

export interface ClassifierTable {
  /** As notes name the class. */
  readonly title: string;
  /** Beside the model: where `own` begins. */
  readonly head: string;
  /** Whether its model has a class token. */
  readonly classToken: boolean;
  readonly pool: PoolName;
  /** Parts of the model, below its prefix, that are stored and not used. */
  readonly idle: readonly string[];
}

export interface BlockTable {
  readonly path: string;
  /** Several names of one layer are stacked along the first axis: separate q, k, v. */
  readonly layers: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** LayerScale by the layer whose outputs it multiplies. */
  readonly scales: Readonly<Record<string, readonly string[]>>;
  /** Biases of query, key and value beside their one weight (timm's `Beit` and `Eva`). */
  readonly biases?: readonly string[];
  /** Of BEiT: tables of relative positions in a block, or behind the prefix one for all. */
  readonly relative?: Readonly<Record<'own' | 'shared', readonly string[]>>;
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
