import type { ConfigNode } from './node.ts';
import { formatPath } from './problem.ts';
import type { KeyPath } from './problem.ts';

const durations = ['epochs', 'steps', 'minutes'];

/** Keys of one map that exclude each other: a later layer that names one drops the others it inherited. */
const alternatives: Readonly<Record<string, readonly string[]>> = {
  '': ['devices', 'fleets'],
  'distill.duration': durations,
  'train.duration': durations,
  'teach.duration': durations,
  'ensemble.duration': durations,
  teacher: ['checkpoint', 'train'],
};

/** Maps that may be written as one word, the value of this key. */
const shorthands: Readonly<Record<string, string>> = { executor: 'type' };

/** `over` on top of `base`: maps merge key by key, everything else (lists too) is replaced whole. */
export function mergeNodes(base: ConfigNode, over: ConfigNode, path: KeyPath = []): ConfigNode {
  const word = shorthands[formatPath(path)];
  if (word !== undefined && base.kind !== over.kind) {
    return mergeNodes(spellOut(base, word), spellOut(over, word), path);
  }
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const members = new Map(base.members);
  const exclusive = alternatives[formatPath(path)] ?? [];
  if (exclusive.some((key) => over.members.has(key))) {
    for (const key of exclusive) if (!over.members.has(key)) members.delete(key);
  }
  for (const [key, member] of over.members) {
    const inherited = members.get(key);
    members.set(
      key,
      inherited === undefined
        ? member
        : { ...member, node: mergeNodes(inherited.node, member.node, [...path, key]) },
    );
  }
  return { kind: 'map', members, place: over.place };
}

function spellOut(node: ConfigNode, key: string): ConfigNode {
  if (node.kind !== 'scalar') return node;
  return { kind: 'map', members: new Map([[key, { keyPlace: node.place, node }]]), place: node.place };
}
