import { extentOf, imageSizeOf, imageSizeText, type ImageSize } from '../../model/architecture.ts';
import { swinFamily } from '../../model/family/swin.ts';
import { fail } from '../../util/failure.ts';
import type { StoredCheckpoint } from '../locate.ts';
import { refuseHeadless } from '../missing-head.ts';
import type { ShapeFacts } from '../shapes.ts';
import type { SwinNaming } from './naming.ts';

/** Stages tell their heads, so nothing of a Swin's sizes is left to be told but the image's. */
export type SwinFacts = ShapeFacts & { readonly heads: number };

/**
 * What the shapes of a Swin's tensors tell.
 * @param told sizes of the images that other sources tell, best first
 * @throws BlockForgeError `checkpoint-unsupported`
 */
export function readSwinShapes(
  stored: StoredCheckpoint,
  naming: SwinNaming,
  told: readonly ImageSize[],
  headless: boolean,
): SwinFacts {
  const refuse = (found: string, expected: string, next?: string): never =>
    fail({ reason: 'checkpoint-unsupported', subject: stored.path, found, expected, ...(next && { next }) });
  const shapeOf = (canonical: string, axes: number): readonly number[] => {
    const [name = ''] = naming.stored(canonical);
    const shape = stored.tensors.get(name)?.shape;
    if (shape?.length === axes) return shape;
    if (shape === undefined && canonical === 'head.weight') return refuseHeadless(stored, naming);
    return refuse(
      shape === undefined ? `no tensor ${name}` : `${name} of shape [${shape.join(', ')}]`,
      `a complete Swin classifier in ${naming.name} naming`,
    );
  };
  const firsts = naming.depths.map((_, stage) =>
    naming.depths.slice(0, stage).reduce((sum, depth) => sum + depth, 0),
  );
  const found = firsts.map((block, stage) => {
    const [positions = 0, heads = 0] = shapeOf(`blocks.${block}.attn.relative_position_bias_table`, 2);
    const window = (Math.sqrt(positions) + 1) / 2;
    if (!Number.isInteger(window))
      refuse(
        `${positions} relative positions in stage ${stage}`,
        'those of a square window of w: (2 w - 1)²',
      );
    return {
      window,
      stage: {
        depth: naming.depths[stage]!,
        width: shapeOf(`blocks.${block}.norm1.weight`, 1)[0]!,
        heads,
        hidden: shapeOf(`blocks.${block}.mlp.fc1.weight`, 2)[0]!,
      },
    };
  });
  const stages = found.map(({ stage }) => stage);
  const window = Math.max(...found.map((one) => one.window));
  const [first = 0, channels = 0, patchSize = 0, across = 0] = shapeOf('patch_embed.proj.weight', 4);
  if (patchSize !== across || first !== stages[0]?.width)
    refuse(`a patch embedding of ${patchSize} x ${across} pixels to ${first} numbers`, 'square patches');
  if (channels !== 1 && channels !== 3)
    return refuse(`images of ${channels} channels`, '1 (grey) or 3 (RGB)');
  const [imageSize] = told;
  if (imageSize === undefined)
    return refuse(
      'nothing tells the size of the images, which no weight of a Swin does',
      'a config.json that tells it, teacher.architecture, or teacher.hints.imageSize',
      'teacher.hints: { imageSize: 224 } with the size that the model was trained for',
    );
  const most = (name: 'width' | 'heads' | 'hidden') => Math.max(...stages.map((stage) => stage[name]));
  const facts: SwinFacts = {
    family: swinFamily.name,
    imageSize: imageSizeOf(extentOf(imageSize)),
    patchSize,
    channels,
    width: most('width'),
    depth: naming.depths.reduce((sum, depth) => sum + depth, 0),
    heads: most('heads'),
    hidden: most('hidden'),
    classes: headless ? most('width') : shapeOf('head.weight', 2)[0]!,
    stages,
    window,
  };
  const architecture = { ...facts, layerNormEpsilon: 1e-5, gelu: 'exact' } as const;
  const problem =
    swinFamily.problem?.(architecture) ??
    found.map((one, stage) => windowProblem(one.window, stage, facts)).find(Boolean);
  if (problem !== undefined)
    refuse(
      problem,
      `a Swin (v1) whose windows and halvings come out even in images of ${imageSizeText(imageSize)} pixels`,
    );
  return facts;
}

/** Stages with windows of their own (timm's swin_s3_*) are other models. */
function windowProblem(
  found: number,
  stage: number,
  { imageSize, patchSize, window }: SwinFacts,
): string | undefined {
  const side = extentOf(imageSize).height / patchSize / 2 ** stage;
  const expected = Math.min(side, window ?? side);
  return found === expected
    ? undefined
    : `windows of ${found} in stage ${stage}, where ${expected} of ${side} rows are expected`;
}
