import { fail } from '../util/failure.ts';
import {
  imageSizeOf,
  imageSizeText,
  isDefaultFamily,
  patchGrid,
  type Architecture,
  type ImageSize,
} from '../model/architecture.ts';
import { canonicalShapes } from '../model/host-weights.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming.ts';
import { listed, unsupportedParts } from './unsupported.ts';

/** What the tensors' shapes tell about the architecture. */
export type ShapeFacts = Omit<Architecture, 'heads' | 'layerNormEpsilon' | 'gelu' | 'pool'>;

/**
 * Derives sizes from the shapes and checks that the file holds every tensor of that architecture and no other.
 * @param told sizes of the images that other sources tell, best first: the first that fits the positions, else a square
 * @throws BlockForgeError `checkpoint-unsupported`, naming the reason and the offending tensors.
 */
export function readShapes(
  stored: StoredCheckpoint,
  naming: Naming,
  told: readonly ImageSize[] = [],
): ShapeFacts {
  const { tensors } = stored;
  const refuse = (found: string, expected: string): never => refuseTensors(stored, found, expected);
  const unsupported = unsupportedParts(tensors.keys());
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
  const side = Math.sqrt(tokens - 1);
  const grid = told
    .map((size) => patchGrid(size, patchSize))
    .find((patched) => patched !== null && patched.height * patched.width === tokens - 1) ?? {
    height: side,
    width: side,
  };
  if (!Number.isInteger(grid.height)) {
    const square = Number.isInteger(Math.sqrt(tokens));
    const others = told.length === 0 ? '' : `, not of an image of ${told.map(imageSizeText).join(' or ')}`;
    refuse(
      `positions for ${tokens} tokens${square ? ', none of them for a class token' : ''}${others}`,
      'a square of patches and one class token; for other shapes teacher.hints: { imageSize: [height, width] }',
    );
  }
  let depth = 0;
  while (tensors.has(naming.stored(`blocks.${depth}.norm1.weight`)[0]!)) depth++;
  const facts: ShapeFacts = {
    imageSize: imageSizeOf({ height: grid.height * patchSize, width: grid.width * patchSize }),
    patchSize,
    channels,
    width,
    depth,
    hidden: shapeOf('blocks.0.mlp.fc1.weight')[0]!,
    classes: shapeOf('head.weight')[0]!,
  };
  checkTensors(stored, naming, { ...facts, heads: 1, layerNormEpsilon: 1, gelu: 'exact' });
  return facts;
}

/**
 * Checks that the file holds every tensor of an architecture, of whatever family, and no other.
 * @returns the architecture
 * @throws BlockForgeError `checkpoint-unsupported`, naming the tensors
 */
export function checkTensors(
  stored: StoredCheckpoint,
  naming: Naming,
  architecture: Architecture,
): Architecture {
  const { tensors } = stored;
  const used = new Set<string>();
  const missing: string[] = [];
  const wrong: string[] = [];
  for (const [canonical, shape] of Object.entries(canonicalShapes(architecture))) {
    const parts = naming.stored(canonical);
    for (const name of parts) {
      used.add(name);
      const info = tensors.get(name);
      const expected = [shape[0]! / parts.length, ...shape.slice(1)];
      if (info === undefined) missing.push(name);
      else if (info.shape.join() !== expected.join()) {
        wrong.push(`${name} [${info.shape.join(', ')}] instead of [${expected.join(', ')}]`);
      } else if (!['F32', 'F16', 'BF16', 'F64'].includes(info.dtype)) wrong.push(`${name} is ${info.dtype}`);
    }
  }
  const extra = [...tensors.keys()].filter((name) => !used.has(name) && !naming.ignores(name));
  const problems = [
    ...(missing.length > 0 ? [`missing ${listed(missing)}`] : []),
    ...(wrong.length > 0 ? [listed(wrong)] : []),
    ...(extra.length > 0 ? [`unknown ${listed(extra)}`] : []),
  ];
  if (problems.length === 0) return architecture;
  const { width, depth } = architecture;
  const family = isDefaultFamily(architecture.family) ? 'ViT' : `${architecture.family}`;
  return refuseTensors(
    stored,
    problems.join('; '),
    `exactly the tensors of a ${family} of width ${width} with ${depth} blocks in ${naming.name} naming`,
  );
}

function refuseTensors({ path }: StoredCheckpoint, found: string, expected: string): never {
  return fail({ reason: 'checkpoint-unsupported', subject: path, found, expected });
}
