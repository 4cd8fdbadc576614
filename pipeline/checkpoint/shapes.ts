import { fail } from '../util/failure.ts';
import {
  imageSizeOf,
  imageSizeText,
  patchGrid,
  type Architecture,
  type Gelu,
  type ImageSize,
} from '../model/architecture.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming.ts';
import { deitFamily } from '../model/family/deit.ts';
import { readRelative } from './relative-shapes.ts';
import { refuseHeadless } from './missing-head.ts';
import { howToName } from './names-table.ts';
import { listed, unsupportedParts } from './unsupported.ts';

/** As in the config's schema. */
const most = 1000;

/** What the tensors' shapes tell about the architecture. */
export type ShapeFacts = Omit<Architecture, 'heads' | 'layerNormEpsilon' | 'gelu' | 'pool' | 'answer'> & {
  /** Where a table has a column for each. */
  readonly heads?: number;
  /** Where the names are of a class whose gates have no other. */
  readonly gelu?: Gelu;
};

/**
 * Derives sizes from the shapes; `assemble` checks that all the tensors of that architecture are there.
 * @param reads of a distilled DeiT, the token that its answer is of; absent: both
 * @param told sizes of the images that other sources tell, best first: the first that fits the positions, else a square
 * @param isNamedRotary a name of timm's says that positions are rotary, whatever class the tensors show
 * @param headless no head is looked for: `classes` is then the width, and for `withoutHead` to correct
 * @throws BlockForgeError `checkpoint-unsupported`, naming the reason and the offending tensors.
 */
export function readShapes(
  stored: StoredCheckpoint,
  naming: Naming,
  told: readonly ImageSize[] = [],
  {
    headless = false,
    reads,
    isNamedRotary = false,
  }: {
    readonly headless?: boolean;
    readonly reads?: Architecture['reads'];
    readonly isNamedRotary?: boolean;
  } = {},
): ShapeFacts {
  const { tensors } = stored;
  const refuse = (found: string, expected: string, next?: string): never =>
    fail({ reason: 'checkpoint-unsupported', subject: stored.path, found, expected, next });
  const unsupported = unsupportedParts(tensors.keys(), naming);
  if (unsupported.length > 0) {
    refuse(
      unsupported.map(({ why, tensors: names }) => `${why} [${listed(names, 3)}]`).join('; '),
      'a pre-norm ViT in one of the forms that docs/inputs.md lists (Teachers)',
    );
  }
  const shapeOf = (canonical: string): readonly number[] => {
    const name = naming.stored(canonical)[0]!;
    return (
      tensors.get(name)?.shape ??
      refuse(
        `no tensor ${name}`,
        `a complete classifier in ${naming.name} naming`,
        howToName(tensors, naming),
      )
    );
  };

  const kernel = shapeOf('patch_embed.proj.weight');
  const patches = naming.isPatchFlat === true ? unfolded(kernel) : kernel;
  if (patches.length !== 4)
    refuse(`a patch embedding of shape [${patches.join(', ')}]`, 'a convolution [D, C, p, p]');
  const width = patches[0]!;
  const channels = patches[1]!;
  const patchSize = patches[2]!;
  const patchWidth = patches[3]!;
  if (patchSize !== patchWidth) refuse(`patches of ${patchSize} x ${patchWidth} pixels`, 'square patches');
  if (channels !== 1 && channels !== 3)
    return refuse(`images of ${channels} channels`, '1 (grey) or 3 (RGB)');
  const has = (canonical: string): boolean => naming.stored(canonical).every((name) => tensors.has(name));
  const classToken = has('cls_token');
  // transformers keeps a tensor of no registers.
  const count = has('reg_token') ? shapeOf('reg_token').at(-2) : undefined;
  const registers = count === 0 ? undefined : count;
  const relative = readRelative(stored, naming, told, patchSize);
  const isPlaced = has('pos_embed') || relative !== undefined;
  const isNamed = naming.name === 'timm' || naming.name === 'told';
  if (!isPlaced && (naming.isRotary === true || (isNamed && isNamedRotary)))
    return { ...rotarySizes(), ...rest() };
  if (!isPlaced) {
    refuse(
      `no positions: no tensor ${naming.stored('pos_embed')[0]}`,
      'learned ones, tables of relative ones, or a DINOv3, whose rotary ones are not stored',
      `${isNamed ? 'of a DINOv3 teacher.architecture: vit_SIZE_patchP_dinov3; else ' : ''}${howToName(tensors, naming)}`,
    );
  }
  const tokens = relative?.tokens ?? shapeOf('pos_embed').at(-2) ?? 0;
  const { token, head } = naming.distillation;
  const isAlone = (token === undefined) !== (head === undefined);
  if (isAlone && !headless && !(token !== undefined && reads === 'class')) {
    refuse(
      token === undefined
        ? `a head of a distillation token (${head}.weight) and no such token`
        : `a distillation token (${token}) and no head that reads it (transformers' DeiTForImageClassification)`,
      "both, as in timm's deit_*_distilled_* and DeiTForImageClassificationWithTeacher, or neither; where the one head reads the class token, teacher.hints: { reads: class }",
    );
  }
  // timm's registers have positions or not, as its class token.
  const placed = registers === undefined ? [] : [registers + (classToken ? 1 : 0)];
  const unplaced = token !== undefined ? [2] : classToken ? [1, 0, ...placed] : [0, ...placed];
  const grid = relative?.grid ?? gridOf(tokens, unplaced, told, patchSize);
  if (grid === undefined) {
    const others = told.length === 0 ? '' : `, not of an image of ${told.map(imageSizeText).join(' or ')}`;
    return refuse(
      `positions for ${tokens} tokens${others}`,
      `a square of patches${classToken ? ` and ${token === undefined ? 'one class token' : 'two more tokens'}` : ', as there is no class token (cls_token)'}; for other shapes teacher.hints: { imageSize: [height, width] }`,
      classToken ? undefined : howToName(tensors, naming),
    );
  }
  const isBeit = relative !== undefined || naming.isNormAfterPool;
  if (naming.name === 'huggingface' && isBeit && grid.height !== grid.width) {
    refuse(
      `${grid.height} x ${grid.width} patches, of which transformers' BEiT resamples tables and positions as if they had another form`,
      'images that are squares, or a model of timm',
    );
  }
  const representation = representationOf(stored, naming);
  if (representation !== undefined && token !== undefined)
    refuse('a distilled DeiT with a representation layer (pre_logits)', 'a ViT with one, or a DeiT without');
  return {
    imageSize: imageSizeOf({ height: grid.height * patchSize, width: grid.width * patchSize }),
    ...rest(),
    ...(representation !== undefined && { representation }),
    ...(token !== undefined && { family: deitFamily.name, ...(reads && { reads }) }),
    ...(relative && { relativePositionBias: true as const, heads: relative.heads }),
  };

  /** The positions of DINOv3 are made for any size. */
  function rotarySizes(): Pick<ShapeFacts, 'imageSize' | 'rotary'> {
    const imageSize = told.find((size) => patchGrid(size, patchSize) !== null);
    if (imageSize === undefined) {
      return refuse(
        'rotary positions, which are those of images of any size',
        'the size that images are to have: teacher.hints: { imageSize: 224 }, or the config.json that belongs to the weights',
      );
    }
    return { imageSize, rotary: true };
  }

  function classes(): number {
    if (headless) return width;
    const found = tensors.get(naming.stored('head.weight')[0]!)?.shape;
    return found?.[naming.isHeadTransposed === true ? 1 : 0] ?? refuseHeadless(stored, naming);
  }

  function rest(): Omit<ShapeFacts, 'imageSize'> {
    let depth = 0;
    while (depth <= most && tensors.has(naming.stored(`blocks.${depth}.norm1.weight`)[0]!)) depth++;
    if (depth > most) refuse('more than 1,000 blocks', 'at most 1,000');
    // Else the first of the usual names of another layer would be missed.
    if (depth === 0) shapeOf('blocks.0.norm1.weight');
    const hidden = shapeOf('blocks.0.mlp.fc2.weight')[1]!;
    const [gate] = naming.stored('blocks.0.mlp.gate.weight');
    const [value] = naming.stored('blocks.0.mlp.fc1.weight');
    const isGated =
      gate !== undefined &&
      tensors.has(gate) &&
      (gate !== value || shapeOf('blocks.0.mlp.fc1.weight')[0] === 2 * hidden);
    return {
      patchSize,
      channels: channels as 1 | 3,
      width,
      depth,
      hidden,
      classes: classes(),
      ...(isGated && { gated: true }),
      ...(isGated && /\.mlp\.(?:weights_in|w12)\.weight$/.test(gate) && { gelu: 'silu' as const }),
      ...(!classToken && { classToken: false }),
      ...(registers !== undefined && { registers }),
      ...(has('norm_pre.weight') && { normPre: true }),
    };
  }
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

/** R of a linear layer with tanh before the head, where there is one. */
function representationOf({ tensors }: StoredCheckpoint, naming: Naming): number | undefined {
  const [name] = naming.stored('pre_logits.weight');
  return name === undefined ? undefined : tensors.get(name)?.shape[0];
}

/** [D, p p C] -> [D, C, p, p]: a number of pixels is one square, or three. */
function unfolded([width = 0, inputs = 0]: readonly number[]): readonly number[] {
  const channels = Number.isInteger(Math.sqrt(inputs / 3)) ? 3 : 1;
  const patch = Math.sqrt(inputs / channels);
  return [width, channels, patch, patch];
}
