import { fail } from '../util/failure.ts';
import {
  imageSizeOf,
  imageSizeText,
  patchGrid,
  type Architecture,
  type ImageSize,
} from '../model/architecture.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming.ts';
import { deitFamily } from '../model/family/deit.ts';
import { listed, unsupportedParts } from './unsupported.ts';

/** As in the config's schema. */
const most = 1000;

/** What the tensors' shapes tell about the architecture. */
export type ShapeFacts = Omit<Architecture, 'heads' | 'layerNormEpsilon' | 'gelu' | 'pool' | 'answer'>;

/**
 * Derives sizes from the shapes; `assemble` checks that all the tensors of that architecture are there.
 * @param told sizes of the images that other sources tell, best first: the first that fits the positions, else a square
 * @param headless no head is looked for: `classes` is then the width, and for `withoutHead` to correct
 * @throws BlockForgeError `checkpoint-unsupported`, naming the reason and the offending tensors.
 */
export function readShapes(
  stored: StoredCheckpoint,
  naming: Naming,
  told: readonly ImageSize[] = [],
  headless = false,
): ShapeFacts {
  const { tensors } = stored;
  const refuse = (found: string, expected: string): never =>
    fail({ reason: 'checkpoint-unsupported', subject: stored.path, found, expected });
  const unsupported = unsupportedParts(tensors.keys(), naming.isNormAfterPool);
  if (unsupported.length > 0) {
    refuse(
      unsupported.map(({ why, tensors: names }) => `${why} [${listed(names, 3)}]`).join('; '),
      'a plain pre-norm ViT classifier: class token, learned positions, LayerNorm, GELU',
    );
  }
  const shapeOf = (canonical: string): readonly number[] => {
    const name = naming.stored(canonical)[0]!;
    return (
      tensors.get(name)?.shape ??
      refuse(`no tensor ${name}`, `a complete classifier in ${naming.name} naming`)
    );
  };

  const patches = shapeOf('patch_embed.proj.weight');
  if (patches.length !== 4)
    refuse(`a patch embedding of shape [${patches.join(', ')}]`, 'a convolution [D, C, p, p]');
  const width = patches[0]!;
  const channels = patches[1]!;
  const patchSize = patches[2]!;
  const patchWidth = patches[3]!;
  if (patchSize !== patchWidth) refuse(`patches of ${patchSize} x ${patchWidth} pixels`, 'square patches');
  if (channels !== 1 && channels !== 3)
    return refuse(`images of ${channels} channels`, '1 (grey) or 3 (RGB)');
  const tokens = shapeOf('pos_embed')[1]!;
  shapeOf('cls_token');
  const { token, head } = naming.distillation;
  if (!headless && (token === undefined) !== (head === undefined)) {
    refuse(
      token === undefined
        ? `a head of a distillation token (${head}.weight) and no such token`
        : `a distillation token (${token}) and no head that reads it (transformers' DeiTForImageClassification)`,
      "both, as in timm's deit_*_distilled_* and DeiTForImageClassificationWithTeacher, or neither",
    );
  }
  const grid = gridOf(tokens, token === undefined ? [1, 0] : [2], told, patchSize);
  if (grid === undefined) {
    const others = told.length === 0 ? '' : `, not of an image of ${told.map(imageSizeText).join(' or ')}`;
    return refuse(
      `positions for ${tokens} tokens${others}`,
      `a square of patches and ${token === undefined ? 'one class token' : 'two more tokens'}; for other shapes teacher.hints: { imageSize: [height, width] }`,
    );
  }
  let depth = 0;
  while (depth <= most && tensors.has(naming.stored(`blocks.${depth}.norm1.weight`)[0]!)) depth++;
  if (depth > most) refuse('more than 1,000 blocks', 'at most 1,000');
  const facts: ShapeFacts = {
    imageSize: imageSizeOf({ height: grid.height * patchSize, width: grid.width * patchSize }),
    patchSize,
    channels,
    width,
    depth,
    hidden: shapeOf('blocks.0.mlp.fc1.weight')[0]!,
    classes: headless
      ? width
      : (tensors.get(naming.stored('head.weight')[0]!)?.shape[0] ?? refuseHeadless(stored, naming)),
    ...(token !== undefined && { family: deitFamily.name }),
  };
  return facts;
}

/** A model that somebody else's head belongs on: what it answers is for its user to say. */
export function refuseHeadless({ path }: StoredCheckpoint, naming: Naming): never {
  return fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: `no head: no tensor ${naming.stored('head.weight')[0]}`,
    expected: `a complete classifier in ${naming.name} naming`,
    next: 'teacher.head: none measures features, teacher.head: { train: true } fits one to the labels of the data',
  });
}

/** Patches of the first size told that fits so many positions, else of a square. `prefix`: how many are not of patches; DeiT III's class token has none. */
function gridOf(
  tokens: number,
  prefix: readonly number[],
  told: readonly ImageSize[],
  patchSize: number,
): { height: number; width: number } | undefined {
  const counts = prefix.map((count) => tokens - count);
  const sides = counts.map(Math.sqrt).map((side) => ({ height: side, width: side }));
  const fitting = told
    .map((size) => patchGrid(size, patchSize))
    .find((grid) => grid !== null && counts.includes(grid.height * grid.width));
  return fitting ?? sides.find(({ height }) => height > 0 && Number.isInteger(height));
}
