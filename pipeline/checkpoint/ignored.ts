import { fail } from '../util/failure.ts';
import type { StoredCheckpoint } from './locate.ts';

/**
 * The tensors without those of these names, or below them.
 * @throws BlockForgeError `config-invalid` for one that no tensor has: a slip would go unnoticed
 */
export function withoutIgnored(
  { tensors, path }: StoredCheckpoint,
  ignore: readonly string[] = [],
): StoredCheckpoint['tensors'] {
  const isOf = (name: string, entry: string) => name === entry || name.startsWith(entry.replace(/\.?$/, '.'));
  const idle = ignore.find((entry) => ![...tensors.keys()].some((name) => isOf(name, entry)));
  if (idle !== undefined) {
    fail({
      reason: 'config-invalid',
      subject: 'teacher.hints.ignore',
      found: `"${idle}"`,
      expected: `a tensor of ${path}, or what stands before several names`,
    });
  }
  return new Map([...tensors].filter(([name]) => !ignore.some((entry) => isOf(name, entry))));
}
