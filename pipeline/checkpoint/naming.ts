import { fail } from '../util/failure.ts';
import { findDistillationHead, findHead, headCandidates } from './head.ts';
import type { StoredCheckpoint } from './locate.ts';
import { namings, type BlockTable, type NamingName, type NamingTable } from './namings.ts';
import { listed } from './unsupported.ts';

export type { NamingName } from './namings.ts';

/** How one file names what `canonicalShapes` lists. */
export interface Naming {
  readonly name: NamingName;
  /** The stored tensors that make a canonical one; several are stacked along the first axis (separate q, k, v). */
  stored(canonical: string): readonly string[];
  /** A tensor that multiplies the outputs of the layer of a canonical tensor (LayerScale), where the file has it. */
  scale(canonical: string): string | undefined;
  /** Names, without `.weight`, of what the file has or may have for a head. */
  readonly heads: readonly string[];
  /** The last norm comes after pooling (timm's `fc_norm`). */
  readonly isNormAfterPool: boolean;
  /** Of a distilled DeiT, which parts the file has: the token, and the head that reads it. */
  readonly distillation: { readonly token?: string | undefined; readonly head?: string | undefined };
  /** Whether a tensor is of another model in the file than the one that was asked for. */
  isOther(stored: string): boolean;
  /** What was left out or is named otherwise than usual, for people. */
  readonly notes: readonly string[];
}

/** A canonical name taken apart: `blocks.3.mlp.fc1.weight` -> 3, `mlp.fc1`, `weight`. */
export function partsOf(canonical: string): { index: string | undefined; layer: string; part: string } {
  const [, index, layer = '', part = ''] =
    /^(?:blocks\.(\d+)\.)?(.*?)(?:\.(weight|bias))?$/.exec(canonical) ?? [];
  return { index, layer, part };
}

/**
 * The library that a file's names are of, wherever a trainer put the model: below `module.`, `net.`, `model.backbone.` or
 * any other prefix.
 * @param hints `prefix`: the one to read where several models are in the file; `head`: the head's name; `headless`: it is not wanted
 * @throws BlockForgeError `checkpoint-unsupported`: several models, or none below `prefix`; several heads
 * @returns undefined where the names are of no known library
 */
export function detectNaming(
  stored: StoredCheckpoint,
  {
    prefix,
    head,
    headless = false,
  }: {
    readonly prefix?: string | undefined;
    readonly head?: string | undefined;
    readonly headless?: boolean | undefined;
  } = {},
): Naming | undefined {
  const { tensors, path } = stored;
  const places = namings.flatMap((table) =>
    [...tensors.keys()]
      .filter((name) => name === table.anchor || name.endsWith(`.${table.anchor}`))
      .map((name) => ({ table, prefix: name.slice(0, -table.anchor.length) })),
  );
  const wanted = prefix === undefined || prefix === '' ? prefix : prefix.replace(/\.?$/, '.');
  const chosen = wanted === undefined ? places : places.filter((place) => place.prefix === wanted);
  const told = places.map((place) => `"${place.prefix}"`).join(' and ');
  if (wanted !== undefined && chosen.length === 0) {
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
  if (first === undefined) return undefined;
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
  const isOther = (name: string): boolean =>
    first.prefix === ''
      ? rest.some((other) => name.startsWith(other))
      : rest.length > 0 && !name.startsWith(first.prefix);
  return { ...namingAt(stored, first.table, first.prefix, head, headless), isOther };
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
  const head = headless
    ? { name: `${prefix}${usualHead}` }
    : findHead(stored, prefix, { ...table, head: usualHead }, toldHead);
  const token = frame.dist_token && `${prefix}${frame.dist_token}`;
  const dropped =
    table.own === undefined
      ? prefix
      : prefix.replace(table.own, (match) => (match.startsWith('.') ? '.' : ''));
  return {
    name: table.name,
    stored(canonical) {
      const { index, layer, part } = partsOf(canonical);
      if (layer === 'head_dist') return [`${secondHead ?? layer}.${part}`];
      if (layer === 'head') return [`${head.name}.${part}`];
      const templates =
        index === undefined ? [frame[layer]!] : layers[layer]!.map((name) => block.path + name);
      return templates.map((template) => filled(`${prefix}${template}`, index, part));
    },
    scale(canonical) {
      const { index, layer } = partsOf(canonical);
      const template = index === undefined ? undefined : scales[layer];
      return template && filled(`${prefix}${block.path}${template}`, index, '');
    },
    heads: headless
      ? headCandidates(stored, prefix, table, toldHead)
      : [head.name, ...(secondHead === undefined ? [] : [secondHead])],
    isNormAfterPool: frame.norm === 'fc_norm.{part}',
    distillation: { token: token !== undefined && names.has(token) ? token : undefined, head: secondHead },
    notes: [
      ...(dropped === '' ? [] : [`the model is what lies below "${dropped}"`]),
      ...(head.note === undefined ? [] : [head.note]),
    ],
  };
}

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
    found: `tensors of no known Vision Transformer: ${listed([...tensors.keys()])}`,
    expected: `the names of timm, Hugging Face or torchvision: one that ends in ${namings.map(({ anchor }) => anchor).join(', ')}`,
    next: "export the whole classifier with its library's own names",
  });
}
