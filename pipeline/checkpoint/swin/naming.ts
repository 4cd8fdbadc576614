import { findHead, headCandidates } from '../head.ts';
import type { StoredCheckpoint } from '../locate.ts';
import type { Naming } from '../naming.ts';
import type { NamingHints, NamingName } from '../naming-contract.ts';
import { partsOf, prefixesOf, withDot } from '../stems.ts';

/** A library's names of a Swin, whose blocks are counted anew in every stage. `{part}`: `weight` or `bias`. */
interface SwinTable {
  readonly name: NamingName;
  /** The first block's bias table, behind whatever stands before the model. */
  readonly anchors: readonly string[];
  readonly frame: Readonly<Record<string, string>>;
  readonly block: (stage: number, place: number) => string;
  /** What makes four tokens one before the blocks of a stage, by the libraries' older and newer names. */
  readonly merging: (stage: number) => readonly string[];
  /** Of several, the first that the file has; stacked where they are several themselves. */
  readonly layers: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly table: readonly string[];
  readonly heads: readonly string[];
  readonly own?: RegExp;
}

const table = 'relative_position_bias_table';
const part = (...names: readonly string[]) => names.map((name) => `${name}.{part}`);

const tables: readonly SwinTable[] = [
  {
    name: 'timm',
    anchors: [`layers.0.blocks.0.attn.${table}`],
    frame: { 'patch_embed.proj': 'patch_embed.proj', 'patch_embed.norm': 'patch_embed.norm', norm: 'norm' },
    block: (stage, place) => `layers.${stage}.blocks.${place}.`,
    // Up to timm 0.8 (and in Microsoft's own code) at the end of the stage before.
    merging: (stage) => [`layers.${stage}.downsample.`, `layers.${stage - 1}.downsample.`],
    layers: {
      norm1: [part('norm1')],
      'attn.qkv': [part('attn.qkv')],
      'attn.proj': [part('attn.proj')],
      norm2: [part('norm2')],
      'mlp.fc1': [part('mlp.fc1')],
      'mlp.fc2': [part('mlp.fc2')],
    },
    table: [`attn.${table}`],
    heads: ['head.fc', 'head'],
  },
  {
    name: 'huggingface',
    anchors: [
      `encoder.layers.0.blocks.0.attention.self.${table}`,
      `encoder.layers.0.blocks.0.attention.relative_position_bias.${table}`,
    ],
    frame: {
      'patch_embed.proj': 'embeddings.patch_embeddings.projection',
      'patch_embed.norm': 'embeddings.norm',
      norm: 'layernorm',
    },
    block: (stage, place) => `encoder.layers.${stage}.blocks.${place}.`,
    merging: (stage) => [`encoder.layers.${stage - 1}.downsample.`],
    layers: {
      norm1: [part('layernorm_before')],
      'attn.qkv': [
        part('attention.self.query', 'attention.self.key', 'attention.self.value'),
        part('attention.q_proj', 'attention.k_proj', 'attention.v_proj'),
      ],
      'attn.proj': [part('attention.output.dense'), part('attention.o_proj')],
      norm2: [part('layernorm_after')],
      'mlp.fc1': [part('intermediate.dense'), part('mlp.fc1')],
      'mlp.fc2': [part('output.dense'), part('mlp.fc2')],
    },
    table: [`attention.self.${table}`, `attention.relative_position_bias.${table}`],
    heads: ['classifier'],
    own: /(?:^|\.)swin\.$/,
  },
  {
    name: 'torchvision',
    anchors: [`features.1.0.attn.${table}`],
    frame: { 'patch_embed.proj': 'features.0.0', 'patch_embed.norm': 'features.0.2', norm: 'norm' },
    block: (stage, place) => `features.${2 * stage + 1}.${place}.`,
    merging: (stage) => [`features.${2 * stage}.`],
    layers: {
      norm1: [part('norm1')],
      'attn.qkv': [part('attn.qkv')],
      'attn.proj': [part('attn.proj')],
      norm2: [part('norm2')],
      'mlp.fc1': [part('mlp.0')],
      'mlp.fc2': [part('mlp.3')],
    },
    table: [`attn.${table}`],
    heads: ['head'],
  },
];

export interface SwinNaming extends Naming {
  /** How many blocks each stage has. */
  readonly depths: readonly number[];
}

/**
 * The names of a Swin, wherever a trainer put it; undefined where the file has none, or several.
 * @param hints as `detectNaming`'s
 * @throws BlockForgeError `checkpoint-unsupported`: several heads
 */
export function detectSwin(
  stored: StoredCheckpoint,
  { prefix, head, headless = false }: NamingHints = {},
): SwinNaming | undefined {
  const wanted = prefix === undefined ? undefined : withDot(prefix);
  const places = tables.flatMap((names) =>
    names.anchors
      .flatMap((anchor) => prefixesOf(anchor, stored.tensors.keys()))
      .map((prefix) => ({ names, prefix })),
  );
  const [first, ...others] = places.filter((place) => wanted === undefined || place.prefix === wanted);
  return first === undefined || others.length > 0
    ? undefined
    : namingAt(stored, first.names, first.prefix, head, headless);
}

function namingAt(
  stored: StoredCheckpoint,
  names: SwinTable,
  prefix: string,
  toldHead: string | undefined,
  headless: boolean,
): SwinNaming {
  const { tensors } = stored;
  const has = (template: string) =>
    ['weight', 'bias'].some((kind) => tensors.has(prefix + template.replace('{part}', kind)));
  const depths = countBlocks((stage, place) =>
    names.table.some((own) => has(names.block(stage, place) + own)),
  );
  const first = names.block(0, 0);
  const layers = Object.fromEntries(
    Object.entries(names.layers).map(([layer, found]) => [
      layer,
      found.find((some) => some.some((name) => has(first + name))) ?? found[0]!,
    ]),
  );
  const bias = names.table.find((own) => has(first + own)) ?? names.table[0]!;
  // The newer names have one before the second stage and none before the first.
  const [newer = '', older = newer] = names.merging(1);
  const isOlder = !has(`${newer}reduction.{part}`) && has(`${older}reduction.{part}`);
  const usual = names.heads.find((own) => tensors.has(`${prefix}${own}.weight`)) ?? names.heads[0]!;
  const width = tensors.get(`${prefix}${names.frame.norm}.weight`)?.shape[0];
  const headTable = { head: usual, width, ...(names.own && { own: names.own }) };
  const head = headless ? { name: `${prefix}${usual}` } : findHead(stored, prefix, headTable, toldHead);
  const dropped = names.own === undefined ? prefix : prefix.replace(names.own, '');
  const place = placesOf(depths);
  return {
    name: names.name,
    depths,
    stored(canonical) {
      const { index, layer, part: kind } = partsOf(canonical);
      if (index === undefined)
        return [
          layer === 'head' ? `${head.name}.${kind}` : `${prefix}${names.frame[layer] ?? layer}.${kind}`,
        ];
      const { stage, inStage } = place(Number(index));
      const block = `${prefix}${names.block(stage, inStage)}`;
      if (layer.endsWith(table)) return [block + bias];
      const merging = /^downsample\.(.*)$/.exec(layer)?.[1];
      if (merging !== undefined) {
        const [own = '', before = own] = names.merging(stage);
        return [`${prefix}${isOlder ? before : own}${merging}.${kind}`];
      }
      return layers[layer]!.map((name) => block + name.replace('{part}', kind));
    },
    scale: () => undefined,
    // Buffers that older files have: which parts of a moved image see each other follows from its size.
    isOther: (name) => /\.attn_mask$/.test(name),
    heads: headless ? headCandidates(stored, prefix, headTable, toldHead) : [head.name],
    isNormAfterPool: false,
    distillation: {},
    notes: [
      ...(dropped === '' ? [] : [`the model is what lies below "${dropped}"`]),
      ...(head.note === undefined ? [] : [head.note]),
    ],
  };
}

function countBlocks(has: (stage: number, place: number) => boolean): number[] {
  const depths: number[] = [];
  for (let stage = 0; has(stage, 0) && stage < 100; stage++) {
    let depth = 1;
    while (has(stage, depth) && depth < 1000) depth++;
    depths.push(depth);
  }
  return depths;
}

function placesOf(depths: readonly number[]): (block: number) => { stage: number; inStage: number } {
  const places = depths.flatMap((depth, stage) =>
    Array.from({ length: depth }, (_, inStage) => ({ stage, inStage })),
  );
  return (block) => places[block]!;
}
