import type { Architecture } from '../model/architecture.ts';
import { deitFamily } from '../model/family/deit.ts';
import { fail } from '../util/failure.ts';
import type { Naming } from './naming-contract.ts';

/** With the head of the token that is read alone; the other head is none of the model's. */
export function withOneHead(naming: Naming, reads: Architecture['reads']): Naming {
  if (reads === undefined) return naming;
  const [own, other] = reads === 'class' ? ['head', 'head_dist'] : ['head_dist', 'head'];
  const idle = ['weight', 'bias'].flatMap((part) => naming.stored(`${other}.${part}`));
  return {
    ...naming,
    stored: (canonical) => naming.stored(canonical.replace(/^head\./, `${own}.`)),
    isOther: (name) => naming.isOther(name) || idle.includes(name),
  };
}

/**
 * @param reads as the user says it
 * @param own what a file of our own says
 * @throws BlockForgeError `config-invalid` where there is no second token, or the file itself says what it reads
 */
export function requireReads(
  path: string,
  reads: Architecture['reads'],
  { distillation }: Pick<Naming, 'distillation'>,
  own: Architecture | undefined,
): void {
  if (reads === undefined) return;
  const isDistilled = own === undefined ? distillation.token !== undefined : own.family === deitFamily.name;
  if (isDistilled && (own === undefined || own.reads === reads)) return;
  const why = isDistilled
    ? `says itself that it reads ${own?.reads ?? 'both tokens'}`
    : 'has no distillation token (dist_token of timm, distillation_token of Hugging Face)';
  fail({
    reason: 'config-invalid',
    subject: 'teacher.hints.reads',
    found: `"${reads}"`,
    expected: `nothing: ${path} ${why}`,
  });
}
