import { familyName, type Architecture } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import { canBeFolded, foldable } from './folded-architecture.ts';

/**
 * Refuses teachers that no sub-model can be cut out of.
 * @param subject for the message
 * @throws BlockForgeError `checkpoint-unsupported`
 */
export function requireFoldable(architecture: Architecture, subject: string): void {
  if (canBeFolded(architecture)) return;
  fail({
    reason: 'checkpoint-unsupported',
    subject,
    found: `a teacher of the family ${familyName(architecture)}`,
    expected: `one that sub-models can be cut out of: ${foldable.join(' or ')}`,
    next: 'take such a teacher, or method: blocks, which prunes every family',
  });
}
