export type NamingName = 'timm' | 'huggingface' | 'torchvision';

/** How one family of checkpoints names what `canonicalShapes` lists, for one file and its prefixes. */
export interface Naming {
  readonly name: NamingName;
  /** The stored tensors that make a canonical one; several are stacked along the first axis (separate q, k, v). */
  stored(canonical: string): readonly string[];
  /** True for tensors the forward pass of a classifier never uses. */
  ignores(stored: string): boolean;
}

/**
 * A family as a table. Keys are canonical names without `.weight` or `.bias`, values stored names in which `{part}`
 * stands for `weight` or `bias`. `frame` names are complete; `layer` names are below `block`, with `{index}`.
 */
export interface NamingTable {
  readonly name: NamingName;
  readonly frame: Readonly<Record<string, string>>;
  readonly block: string;
  readonly layer: Readonly<Record<string, readonly string[]>>;
  readonly ignored?: RegExp;
}

/** A canonical name taken apart: `blocks.3.mlp.fc1.weight` -> 3, `mlp.fc1`, `weight`. */
function parts(canonical: string): { index: string | undefined; layer: string; part: string } {
  const [, index, layer = '', part = ''] =
    /^(?:blocks\.(\d+)\.)?(.*?)(?:\.(weight|bias))?$/.exec(canonical) ?? [];
  return { index, layer, part };
}

export function namingFrom(table: NamingTable): Naming {
  return {
    name: table.name,
    stored(canonical) {
      const { index, layer, part } = parts(canonical);
      const templates =
        index === undefined
          ? [table.frame[layer]!]
          : table.layer[layer]!.map((name) => table.block.replace('{index}', index) + name);
      return templates.map((template) => template.replace('{part}', part));
    },
    ignores: (stored) => table.ignored?.test(stored) ?? false,
  };
}

/**
 * What training wrappers put before every name (`module.` of DataParallel, `_orig_mod.` of torch.compile, ...):
 * the text before `anchor` where it consists of nothing else.
 */
export function wrapperPrefix(names: ReadonlySet<string>, anchor: RegExp): string | undefined {
  for (const name of names) {
    const found = anchor.exec(name);
    if (found === null) continue;
    const prefix = name.slice(0, found.index);
    if (/^(?:(?:module|model|_orig_mod|timm_model|state_dict)\.)*$/.test(prefix)) return prefix;
  }
  return undefined;
}
