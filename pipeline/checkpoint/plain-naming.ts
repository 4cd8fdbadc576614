import { fail } from '../util/failure.ts';
import { findBlocks, only, type PlainBlocks } from './find-blocks.ts';
import { findHead } from './head.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming-contract.ts';
import { packedQueries } from './packed.ts';
import { beforeBlocks, classToken, flatPatches, lastNorm, normedPatches, normInHead, positions } from './plain-parts.ts'; // prettier-ignore
import { partName, partsOf, stemOf, weightShape, withoutLeadingOnes, withDot } from './stems.ts';

/**
 * The names of a ViT written in plain PyTorch (nn.MultiheadAttention or linear layers, an MLP in a Sequential,
 * nn.TransformerEncoder, vit-pytorch), whose parts are told apart by name and shape (`plain-parts.ts`).
 * @param hints as `detectNaming`
 * @returns undefined where a part is not found, or several may be it
 * @throws BlockForgeError `checkpoint-unsupported`: several models; parts that show another function
 */
export function detectPlain(
  stored: StoredCheckpoint,
  { prefix, head }: { readonly prefix?: string | undefined; readonly head?: string | undefined } = {},
): Naming | undefined {
  const { tensors, path } = stored;
  const scope = withDot(prefix ?? '');
  const [blocks, ...others] = findBlocks(tensors, scope);
  if (blocks === undefined) return undefined;
  if (others.length > 0) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: `${others.length + 1} encoders: ${[blocks, ...others].map((one) => `"${one.path}"`).join(' and ')}`,
      expected: 'one model, or teacher.hints.prefix with what stands before the names of one',
    });
  }
  const frame = findFrame(stored, scope, blocks);
  const { 'patch_embed.proj': patches, norm, pos_embed } = frame;
  if (patches === undefined || norm === undefined || pos_embed === undefined) return undefined;
  requireFullHeads(stored, blocks);
  const root = commonPlace([patches, pos_embed, blocks.path]);
  const found = findHead(stored, root, { width: blocks.width, head: 'head' }, head);
  const isFlat = weightShape(tensors, patches)?.length === 2;
  const { layers, scales } = blocks;
  const ofBlock = (stem: string, index: string): string => `${blocks.path.replace('{i}', index)}${stem}`;
  const isNormInHead = normInHead.test(norm);
  return {
    name: 'pytorch',
    stored(canonical) {
      const { index, layer, part } = partsOf(canonical);
      // Of what is called so in somebody's own model, the activation is not known.
      if (layer === 'pre_logits') return [];
      if (layer === 'head') return [`${found.name}.${part}`];
      const stems =
        index === undefined
          ? [frame[layer] ?? layer]
          : (layers[layer] ?? [layer]).map((stem) => ofBlock(stem, index));
      return stems.map((stem) => partName(tensors, stem, part));
    },
    scale(canonical) {
      const { index, layer } = partsOf(canonical);
      const stem = scales[layer];
      return index === undefined || stem === undefined ? undefined : partName(tensors, ofBlock(stem, index));
    },
    heads: [found.name],
    isNormAfterPool: isNormInHead,
    distillation: {},
    isOther: (name) => !name.startsWith(scope) && !name.startsWith(`${found.name}.`),
    norms: layers['mlp.fc1']![0] === 'linear1' ? 'open' : 'assumed',
    ...(isFlat && { isPatchFlat: true }),
    notes: [
      ...(root === '' ? [] : [`the model is what lies below "${root}"`]),
      ...(found.note === undefined || isNormInHead ? [] : [found.note]),
      ...packedQueries(layers['attn.qkv']!),
    ],
  };
}

/** Stems of what is not in the blocks, by canonical layer; a part that is not found, or found several times, is left out. */
function findFrame(
  { tensors, path }: StoredCheckpoint,
  scope: string,
  { path: blockPath, width }: PlainBlocks,
): Readonly<Record<string, string>> {
  const before = blockPath.slice(0, blockPath.indexOf('{i}'));
  const isOfBlock = (name: string): boolean =>
    name.startsWith(before) && /^\d+\./.test(name.slice(before.length));
  const stems = [...new Set([...tensors.keys()].filter((name) => !isOfBlock(name)).map(stemOf))].filter(
    (stem) => stem.startsWith(scope),
  );
  const shaped = (test: (shape: readonly number[]) => boolean): string[] =>
    stems.filter((stem) => {
      const shape = weightShape(tensors, stem);
      return shape !== undefined && test(shape);
    });
  const vectors = shaped((shape) => shape.join() === `${width}`);
  const normed = vectors.filter((stem) => normedPatches.test(stem));
  if (normed.length > 0) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: `a patch embedding with LayerNorms around its linear layer [${normed.join(', ')}], as newer versions of vit-pytorch have it`,
      expected: 'a patch embedding that is one convolution, or one linear layer (older versions)',
    });
  }
  const found = {
    'patch_embed.proj':
      only(
        shaped((shape) => shape.length === 4 && shape[0] === width),
        /./,
      ) ??
      only(
        shaped((shape) => shape.length === 2 && shape[0] === width),
        flatPatches,
      ),
    cls_token: only(
      shaped((shape) => withoutLeadingOnes(shape).join() === `${width}`),
      classToken,
    ),
    pos_embed: only(
      shaped((shape) => shape.length >= 2 && shape.at(-1) === width),
      positions,
    ),
    norm: only(
      vectors.filter((stem) => !beforeBlocks.test(stem) && tensors.has(`${stem}.weight`)),
      lastNorm,
    ),
  };
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined)); // prettier-ignore
}

/** vit-pytorch's heads may be of any size (`dim_head`, 64 by default); the family's are width / heads. */
function requireFullHeads(
  { tensors, path }: StoredCheckpoint,
  { path: place, layers, width }: PlainBlocks,
): void {
  const stem = `${place.replace('{i}', '0')}${layers['attn.proj']![0]}`;
  const inner = weightShape(tensors, stem)?.[1];
  if (inner === width) return;
  fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: `attention heads of together ${inner} numbers (${stem}) in a stream of ${width}`,
    expected: 'heads x head size = width (of vit-pytorch: dim_head = dim / heads)',
  });
}

/** What all names have in common, in whole parts: `net.`. */
function commonPlace(names: readonly string[]): string {
  const [first = '', ...others] = names;
  const parts = first.split('.').slice(0, -1);
  let place = '';
  for (const part of parts) {
    const next = `${place}${part}.`;
    if (!others.every((name) => name.startsWith(next))) break;
    place = next;
  }
  return place;
}
