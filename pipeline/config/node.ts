import type { KeyPath, Place } from './problem.ts';

/**
 * A YAML value that knows where each of its parts was written. Configs are merged in this form, so a message about
 * a value from an extended file names that file, and a relative path is resolved where it stands.
 */
export type ConfigNode = ScalarNode | ListNode | MapNode;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: unknown;
  readonly place: Place;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
  readonly place: Place;
}

export interface MapNode {
  readonly kind: 'map';
  readonly members: ReadonlyMap<string, Member>;
  readonly place: Place;
}

export interface Member {
  readonly keyPlace: Place;
  readonly node: ConfigNode;
}

/** The plain value. A member called `__proto__` stays an ordinary, unknown key. */
export function valueOf(node: ConfigNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(valueOf);
  return Object.fromEntries([...node.members].map(([key, member]) => [key, valueOf(member.node)]));
}

/** Where to point for `path`: a scalar's own place, a map's or list's key, and the nearest parent of what is missing. */
export function placeOf(root: ConfigNode, path: KeyPath): Place {
  let node = root;
  let place = root.place;
  for (const [depth, key] of path.entries()) {
    const member =
      node.kind === 'map'
        ? node.members.get(String(key))
        : node.kind === 'list' && typeof key === 'number' && node.items[key] !== undefined
          ? { node: node.items[key], keyPlace: node.items[key].place }
          : undefined;
    if (member === undefined) return place;
    node = member.node;
    const scalarAtEnd = depth === path.length - 1 && node.kind === 'scalar' && node.value !== null;
    place = scalarAtEnd ? node.place : member.keyPlace;
  }
  return place;
}

/** Where the key itself stands, for keys that should not be there. */
export function keyPlaceOf(root: ConfigNode, path: KeyPath): Place {
  const parent = nodeAt(root, path.slice(0, -1));
  const member = parent?.kind === 'map' ? parent.members.get(String(path[path.length - 1])) : undefined;
  return member?.keyPlace ?? placeOf(root, path);
}

export function nodeAt(root: ConfigNode, path: KeyPath): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const key of path) {
    if (node?.kind === 'map') node = node.members.get(String(key))?.node;
    else if (node?.kind === 'list') node = node.items[Number(key)];
    else return undefined;
  }
  return node;
}

/** A copy in which every text was replaced by what `change` makes of it. */
export function mapTexts(
  node: ConfigNode,
  change: (text: string, place: Place, path: KeyPath) => { readonly value: string; readonly place?: Place },
  path: KeyPath = [],
): ConfigNode {
  switch (node.kind) {
    case 'scalar':
      return typeof node.value === 'string' ? { ...node, ...change(node.value, node.place, path) } : node;
    case 'list':
      return { ...node, items: node.items.map((item, i) => mapTexts(item, change, [...path, i])) };
    case 'map':
      return {
        ...node,
        members: new Map(
          [...node.members].map(([key, member]) => [
            key,
            { ...member, node: mapTexts(member.node, change, [...path, key]) },
          ]),
        ),
      };
  }
}
