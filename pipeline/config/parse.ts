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

/**
 * Reads YAML 1.2 (anchors and aliases included) into a tree that knows its places. Syntax errors and duplicate
 * keys are added to `problems`, all of them at once; the tree is then whatever could be read.
 */
export function parseYaml(text: string, source: TextSource, problems: Problem[]): ConfigNode {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    if (!source.hasLines) return { source: source.name, folder: source.folder };
    const { line, col } = lines.linePos(offset);
    return { source: source.name, line: Math.max(1, line), column: Math.max(1, col), folder: source.folder };
  };
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const place = placeAt(pos[0]);
    problems.push({ place, path: [], message: describeSyntax(code, message, text.slice(pos[0])) });
  }
  return convert(document.contents, { document, placeAt, problems }, []);
}

interface Conversion {
  readonly document: Document.Parsed;
  readonly placeAt: (offset: number) => Place;
  readonly problems: Problem[];
}

function convert(node: Node | null, conversion: Conversion, parents: readonly Node[]): ConfigNode {
  const { document, placeAt, problems } = conversion;
  const place = placeAt(node?.range?.[0] ?? 0);
  if (isAlias(node)) {
    const target = node.resolve(document);
    if (target === undefined || parents.includes(target)) {
      const message = `the alias *${node.source} ${target === undefined ? 'has no anchor before it' : 'contains itself'}`;
      problems.push({ place, path: [], message });
      return { kind: 'scalar', value: null, place };
    }
    return convert(target, conversion, parents);
  }
  if (node === null) return { kind: 'scalar', value: null, place };
  const inside = [...parents, node];
  if (isSeq(node)) {
    const items = node.items.map((item) => convert(item as Node | null, conversion, inside));
    return { kind: 'list', items, place };
  }
  if (isMap(node)) {
    const members = new Map<string, Member>();
    for (const pair of node.items) {
      const key = pair.key as Node;
      const keyPlace = placeAt(key.range?.[0] ?? 0);
      const keyText = isScalar(key) ? String(key.value) : key.toString();
      // "key:" without a value has no node of its own: its key is where to look.
      const value =
        pair.value === null
          ? ({ kind: 'scalar', value: null, place: keyPlace } as const)
          : convert(pair.value as Node, conversion, inside);
      members.set(keyText, { keyPlace, node: value });
    }
    return { kind: 'map', members, place };
  }
  return { kind: 'scalar', value: isScalar(node) ? node.value : null, place };
}

function describeSyntax(code: string, message: string, rest: string): string {
  if (code === 'DUPLICATE_KEY') return `the key "${/^[^:\s]*/.exec(rest)?.[0]}" stands twice in the same map`;
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; YAML wants spaces';
  return `not YAML: ${message.split('\n')[0]}`;
}
