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

/** `over` on top of `base`: maps merge key by key, everything else (lists too) is replaced whole. */
export function mergeNodes(base: ConfigNode, over: ConfigNode, path: KeyPath = []): ConfigNode {
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
