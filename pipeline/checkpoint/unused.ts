import type { StoredCheckpoint } from './locate.ts';
import { listed } from './unsupported.ts';

/** Of other tasks or of training: a classifier's forward pass does not touch them. What comes last is not worth telling. */
const harmless: readonly RegExp[] = [
  /(?:^|\.)(?:n_averaged|num_batches_tracked|num_updates|global_step)$/,
  /(?:^|\.)(?:criterion|loss|loss_fn|losses|\w+_loss|\w*metrics?|\w+_acc|\w+_accuracy|optimizer|scheduler)\./,
  // Of masked pre-training (MAE): what else is called a decoder may come after the head.
  /(?:^|\.)decoder_(?:blocks|layers|embed|pred|norm|pos_embed)(?:\.|$)/,
  /(?:^|\.)decoder\.(?:decoder_\w+|mask_token)(?:\.|$)/,
];
const usual =
  /(?:^|\.)(?:mask_token|pooler\.dense\.(?:weight|bias)|embeddings\.position_ids|relative_position_index)$/;
/** What CLIP and SigLIP have beside their tower of images, as transformers names it. */
const ofTexts = /(?:^|\.)(?:text_model\.|text_projection\.|logit_(?:scale|bias)$)/;

/** There are no numbers in it. */
const isEmpty = (shape: readonly number[]): boolean => shape.includes(0);

/**
 * What to make of tensors that the model does not use: numbers that are no real ones (counters, masks) and what belongs to
 * other tasks is left out, any other could matter.
 * @returns those that could, and what to tell of those that are left out
 */
export function sortUnused(
  { tensors }: StoredCheckpoint,
  used: ReadonlySet<string>,
  isOther: (name: string) => boolean,
): { readonly refused: readonly string[]; readonly note?: string } {
  const unused = [...tensors].filter(([name]) => !used.has(name));
  const isIgnored = ([name, { dtype, shape }]: (typeof unused)[number]): boolean => {
    if (isEmpty(shape) || isOther(name) || usual.test(name) || harmless.some((pattern) => pattern.test(name)))
      return true;
    const isReal = /^B?F/.test(dtype) || dtype === 'C64';
    // A model's own weights are never float8 here: outside its blocks, they are somebody else's.
    const isBlocks = /(?:^|\.)(?:blocks|layers?|encoder_layer_\d+)\./.test(name);
    return !isReal || (/^F[468]_|^F4$/.test(dtype) && !isBlocks);
  };
  const ignored = unused.filter(isIgnored).map(([name]) => name);
  const texts = ignored.filter((name) => ofTexts.test(name));
  const told = [
    ...(texts.length === 0 ? [] : [`the tower of texts (${texts.length} tensors)`]),
    ...ignored.filter(
      (name) => !usual.test(name) && !ofTexts.test(name) && !isEmpty(tensors.get(name)?.shape ?? []),
    ),
  ];
  return {
    refused: unused.filter((entry) => !isIgnored(entry)).map(([name]) => name),
    ...(told.length > 0 && { note: `not used: ${listed(told)}` }),
  };
}
