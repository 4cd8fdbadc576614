import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { ConfigNode, Member } from './node.ts';
import type { Place, Problem } from './problem.ts';

/** A file, or an option: an option's text has no lines worth naming. */
export interface TextSource {
  readonly name: string;
  readonly folder: string;
  readonly hasLines: boolean;
}

/** A config has a hundred values in five levels. What has more is a mistake, or made to fill the memory with a few lines. */
const bounds = { characters: 256_000, values: 20_000, levels: 40 } as const;

/**
 * Reads YAML 1.2 (anchors and aliases included) into a tree that knows its places. Syntax errors and duplicate
 * keys are added to `problems`, all of them at once; the tree is then whatever could be read. Bounded in time and
 * memory, whatever the text.
 */
export function parseYaml(text: string, source: TextSource, problems: Problem[]): ConfigNode {
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    if (!source.hasLines) return { source: source.name, folder: source.folder };
    const { line, col } = lines.linePos(offset);
    return { source: source.name, line: Math.max(1, line), column: Math.max(1, col), folder: source.folder };
  };
  const start = { source: source.name, folder: source.folder };
  const refuse = (message: string): ConfigNode => {
    problems.push({ place: start, path: [], message });
    return { kind: 'scalar', value: null, place: start };
  };
  if (text.length > bounds.characters)
    return refuse(`${text.length} characters; a config has at most ${bounds.characters}`);
  let document: Document.Parsed;
  try {
    // Its own search for keys that stand twice compares each with each.
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  } catch (error) {
    // It descends into what is nested by calling itself.
    if (!(error instanceof RangeError)) throw error;
    return refuse(`nested deeper than ${bounds.levels} levels`);
  }
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    problems.push({ place: placeAt(pos[0]), path: [], message: describeSyntax(code, message) });
  }
  const conversion = { placeAt, problems, anchors: new Map<string, Node>(), values: 0 };
  try {
    return convert(document.contents, conversion, []);
  } catch (error) {
    if (!(error instanceof Unbounded)) throw error;
    return refuse(error.message);
  }
}

interface Conversion {
  readonly placeAt: (offset: number) => Place;
  readonly problems: Problem[];
  /** By name, as far as the document was read: an alias means the last one before it. */
  readonly anchors: Map<string, Node>;
  /** Converted so far; what an alias stands for counts every time. */
  values: number;
}

/** Ends a conversion; never leaves this file. */
class Unbounded extends Error {}

function convert(
  node: Node | null,
  conversion: Conversion,
  parents: readonly Node[],
  isCopy = false,
): ConfigNode {
  const { placeAt, problems, anchors } = conversion;
  const place = placeAt(node?.range?.[0] ?? 0);
  if (++conversion.values > bounds.values)
    throw new Unbounded(`more than ${bounds.values} values, those that aliases repeat included`);
  if (parents.length > bounds.levels) throw new Unbounded(`nested deeper than ${bounds.levels} levels`);
  if (isAlias(node)) {
    const target = anchors.get(node.source);
    if (target === undefined || parents.includes(target)) {
      const message = `the alias *${node.source} ${target === undefined ? 'has no anchor before it' : 'contains itself'}`;
      problems.push({ place, path: [], message });
      return { kind: 'scalar', value: null, place };
    }
    return convert(target, conversion, parents, true);
  }
  if (node === null) return { kind: 'scalar', value: null, place };
  const { anchor } = node as { readonly anchor?: string };
  if (anchor !== undefined && !isCopy) anchors.set(anchor, node);
  const inside = [...parents, node];
  if (isSeq(node)) {
    const items = node.items.map((item) => convert(item as Node | null, conversion, inside, isCopy));
    return { kind: 'list', items, place };
  }
  if (isMap(node)) {
    const members = new Map<string, Member>();
    for (const pair of node.items) {
      const key = pair.key as Node | null;
      const keyPlace = placeAt(key?.range?.[0] ?? node.range?.[0] ?? 0);
      if (!isScalar(key)) {
        problems.push({ place: keyPlace, path: [], message: 'a key that is not a word' });
        continue;
      }
      const keyText = String(key.value);
      if (key.anchor !== undefined && !isCopy) anchors.set(key.anchor, key);
      if (members.has(keyText)) {
        const message = `the key "${keyText}" stands twice in the same map`;
        problems.push({ place: keyPlace, path: [], message });
      }
      // "key:" without a value has no node of its own: its key is where to look.
      const value =
        pair.value === null
          ? ({ kind: 'scalar', value: null, place: keyPlace } as const)
          : convert(pair.value as Node, conversion, inside, isCopy);
      members.set(keyText, { keyPlace, node: value });
    }
    return { kind: 'map', members, place };
  }
  return { kind: 'scalar', value: isScalar(node) ? node.value : null, place };
}

function describeSyntax(code: string, message: string): string {
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; YAML wants spaces';
  return `not YAML: ${message.split('\n')[0]}`;
}
