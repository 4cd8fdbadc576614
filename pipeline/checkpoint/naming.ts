import { fail } from '../util/failure.ts';
import {
  findDistillationHead,
  findHead,
  findTowerHead,
  headCandidates,
  usualPlace,
  type FoundHead,
} from './head.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { NamingHints } from './naming-contract.ts';
import { foundNames, namesToFillIn } from './names-table.ts';
import { asClassifier } from './tower-classifier.ts';
import { detectPlain } from './plain-naming.ts';
import type { Naming } from './naming-contract.ts';
import { namings, type BlockTable, type NamingTable } from './namings.ts';
import { relativeNames } from './relative-names.ts';
import { partsOf, prefixesOf, withDot } from './stems.ts';
import { listed } from './unsupported.ts';

export type { Naming, NamingName } from './naming-contract.ts';

/**
 * The library that a file's names are of, wherever a trainer put the model: below `module.`, `net.`, `model.backbone.` or
 * any other prefix.
 * @param hints `prefix`: the one to read where several models are in the file; `head`: the head's name; `headless`: it is not wanted
 * @throws BlockForgeError `checkpoint-unsupported`: several models, or none below `prefix`; several heads
 * @returns undefined where the names are of no known library
 */
export function detectNaming(
  stored: StoredCheckpoint,
  { prefix, head, headless = false }: NamingHints = {},
): Naming | undefined {
  const { tensors, path } = stored;
  const places = namings.flatMap((table) =>
    prefixesOf(table.anchor, tensors.keys()).map((prefix) => ({ table, prefix })),
  );
  const wanted = prefix === undefined ? undefined : withDot(prefix);
  const chosen = wanted === undefined ? places : places.filter((place) => place.prefix === wanted);
  const plain = (): Naming | undefined => detectPlain(stored, { prefix, head });
  const told = places.map((place) => `"${place.prefix}"`).join(' and ');
  if (wanted !== undefined && chosen.length === 0) {
    const other = plain();
    if (other !== undefined) return other;
    fail({
      reason: 'config-invalid',
      subject: 'teacher.hints.prefix',
      found: `"${prefix}"`,
      expected:
        places.length === 0
          ? `no prefix: no known model is in ${path}`
          : `${told}, of which the file has models`,
    });
  }
  const [first, ...others] = chosen;
  if (first === undefined) return plain();
  if (others.length > 0) {
    const averaged = chosen.find((place) => /ema|teacher|averag|swa/.test(place.prefix)) ?? first;
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: `${chosen.length} models, below ${told}`,
      expected:
        'one model, or teacher.hints.prefix naming one; averaged weights (EMA, teacher) are usually those that were evaluated',
      next: `--set teacher.hints.prefix=${averaged.prefix === '' ? "''" : averaged.prefix}`,
    });
  }
  const rest = places.filter((place) => place !== first).map((place) => place.prefix);
  const { table, more } = asClassifier(stored, first.table, first.prefix);
  const isOther = (name: string): boolean =>
    table.projection !== undefined
      ? // The tower of texts.
        !name.startsWith(first.prefix)
      : first.prefix === ''
        ? rest.some((other) => name.startsWith(other))
        : rest.length > 0 && !name.startsWith(first.prefix);
  const found = namingAt(stored, table, first.prefix, head, headless);
  const naming = { ...found, isOther, ...more, notes: [...found.notes, ...(more.notes ?? [])] };
  return isWhole(stored, naming) ? naming : (plain() ?? naming);
}

/** Whether the parts that every model has are there; a patch embedding alone may be anybody's. */
function isWhole({ tensors }: StoredCheckpoint, naming: Naming): boolean {
  const blockLayers = ['norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'];
  const names = ['norm.weight', ...blockLayers.map((layer) => `blocks.0.${layer}.weight`)];
  return names.every((name) => naming.stored(name).every((part) => tensors.has(part)));
}

function namingAt(
  stored: StoredCheckpoint,
  table: NamingTable,
  prefix: string,
  toldHead: string | undefined,
  headless: boolean,
): Omit<Naming, 'isOther'> {
  const names = stored.tensors;
  const has = (template: string, index = '0'): boolean =>
    ['weight', 'bias'].some((part) => names.has(filled(`${prefix}${template}`, index, part)));
  const block =
    table.blocks.find(({ path, layers }) =>
      layers.norm1?.some(([name]) => name !== undefined && has(path + name)),
    ) ?? table.blocks[0]!;
  const layers = chosenLayers(block, has);
  const relative = relativeNames((name) => names.has(name), prefix, block);
  const ownBias = filled(`${prefix}${block.path}${layers['attn.qkv']![0]!}`, '0', 'bias');
  const isSplit = !names.has(ownBias) && block.biases?.some((name) => has(block.path + name)) === true;
  const biases = isSplit ? block.biases : undefined;
  const isEva = biases !== undefined || (table.name === 'timm' && has(`${block.path}attn.q_proj.{part}`));
  const frame = Object.fromEntries(
    Object.entries(table.frame).map(([layer, found]) => [
      layer,
      found.find((name) => has(name)) ?? found[0]!,
    ]),
  );
  const scales = Object.fromEntries(
    Object.entries(block.scales).map(([layer, found]) => [
      layer,
      found.find((name) => has(block.path + name)),
    ]),
  );
  const secondHead = findDistillationHead(stored, prefix, table);
  const [usualHead = table.head] = secondHead === undefined ? [] : (table.distilledHeads ?? []);
  const widthOf = (template: string | undefined): number | undefined =>
    template === undefined
      ? undefined
      : names.get(filled(`${prefix}${template}`, undefined, 'weight'))?.shape[0];
  const width = widthOf(frame.pre_logits) ?? widthOf(table.anchor);
  const headTable = { ...table, width, head: usualHead };
  // A pooling attention is called a head, too.
  const parts = new Set(Object.values(frame).map((name) => filled(`${prefix}${name}`, undefined, 'weight')));
  const isPart = (name: string): boolean => parts.has(`${name}.weight`);
  const isTower = table.projection !== undefined || table.isTower === true || table.isHeadAlone === true;
  const head: FoundHead = headless
    ? { name: usualPlace(stored, prefix, usualHead) }
    : isTower
      ? findTowerHead(stored, prefix, headTable, toldHead, isPart)
      : findHead(stored, prefix, headTable, toldHead);
  const isAfterPool = ['fc_norm.{part}', 'pooler.layernorm.{part}'].includes(frame.norm ?? '');
  const token = frame.dist_token && `${prefix}${frame.dist_token}`;
  const dropped =
    table.own === undefined
      ? prefix
      : prefix.replace(table.own, (match) => (match.startsWith('.') ? '.' : ''));
  const { rotary } = table;
  const projection = head.isClassifier === true ? undefined : table.projection;
  return {
    name: table.name,
    ...(projection !== undefined && { projects: true }),
    ...(table.isTower === true && head.isClassifier !== true && { isTower: true }),
    ...((rotary === true || (rotary !== undefined && rotary === scales['attn.proj'])) && { isRotary: true }),
    ...(projection === 'transposed' && { isHeadTransposed: true }),
    ...(relative !== undefined && { relativeTables: relative.tables }),
    stored(canonical) {
      const known = relative?.stored(canonical);
      if (known !== undefined) return known;
      const { index, layer, part } = partsOf(canonical);
      if (layer === 'head_dist') return [`${secondHead ?? layer}.${part}`];
      if (layer === 'head')
        return [projection === 'transposed' && part === 'weight' ? head.name : `${head.name}.${part}`];
      const templates =
        index === undefined
          ? [frame[layer] ?? `${layer}.{part}`]
          : ((layer === 'attn.qkv' && part === 'bias' ? biases : undefined) ?? layers[layer]!).map((name) => block.path + name); // prettier-ignore
      return templates.map((template) => filled(`${prefix}${template}`, index, part));
    },
    scale(canonical) {
      const { index, layer } = partsOf(canonical);
      const template = index === undefined ? undefined : scales[layer];
      return template && filled(`${prefix}${block.path}${template}`, index, '');
    },
    heads: headless
      ? headCandidates(stored, prefix, headTable, toldHead).filter((name) => !isPart(name))
      : [head.name, ...(secondHead === undefined ? [] : [secondHead])],
    isNormAfterPool: isAfterPool,
    // BEiT's classes have such a norm behind the mean of the patches alone.
    ...(isAfterPool && (relative !== undefined || table.name === 'huggingface') && { pool: 'mean' as const }),
    distillation: { token: token !== undefined && names.has(token) ? token : undefined, head: secondHead },
    notes: [
      ...(dropped === '' ? [] : [`the model is what lies below "${dropped}"`]),
      ...(head.note === undefined ? [] : [head.note]),
      ...(isEva && relative === undefined && names.has(`${prefix}${frame.pos_embed}`) ? [evaNote] : []),
    ],
  };
}

/** No weight shows whether it has. */
const evaNote =
  "biases of q and v beside one weight, or q_proj by itself, are timm's Eva's, which may have rotary positions beside the learned ones, or norms behind attention and FFN (teacher.architecture tells): neither is assumed";

/** Of each layer the first names that the file has. */
function chosenLayers(
  { path, layers }: BlockTable,
  has: (template: string) => boolean,
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(layers).map(([layer, found]) => [
      layer,
      found.find((names) => names.some((name) => has(path + name))) ?? found[0]!,
    ]),
  );
}

function filled(template: string, index: string | undefined, part: string): string {
  return template.replace('{index}', index ?? '').replace('{part}', part);
}

/** Where none of the known names are. */
export function refuseUnknownNames({ path, tensors }: StoredCheckpoint): never {
  return fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: `tensors of no known Vision Transformer: ${listed([...tensors.keys()])}; all layers with the shape of their weights:${foundNames(tensors)}`,
    expected: `the names of timm, Hugging Face or torchvision, with one that ends in ${namings.map(({ anchor }) => anchor).join(', ')}; or a plain PyTorch model whose parts are told apart by their names`,
    next: namesToFillIn(tensors),
  });
}
