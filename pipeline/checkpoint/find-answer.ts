import type { Architecture } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import type { InspectOptions } from './inspect-options.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming-contract.ts';
import type { OwnFile } from './own-file.ts';
import type { SideFacts } from './side-facts.ts';

/**
 * Whether a model is read without a head, and what it answers with: absent, classes.
 * @throws BlockForgeError `checkpoint-unsupported` where the user says that the head is a projection and there is none
 */
export function findAnswer(
  { path, tensors }: StoredCheckpoint,
  naming: Naming,
  own: OwnFile | undefined,
  side: Pick<SideFacts, 'isHeadless'>,
  { headless, projects }: Pick<InspectOptions, 'headless' | 'projects'>,
): { readonly isHeadless: boolean; readonly answer?: Architecture['answer'] } {
  const told = own?.untold.answer;
  const hasHead = naming.heads.some((head) => tensors.has(`${head}.weight`) || tensors.has(head));
  const needsNone = side.isHeadless === true || naming.projects === true || naming.isTower === true;
  const isHeadless = headless === true || told === 'pooled' || (needsNone && !hasHead);
  if (projects === true && isHeadless) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: 'no head',
      expected: 'the projection that teacher.head: projection says there is',
      next: 'teacher.head: none measures the features themselves',
    });
  }
  const isProjecting = naming.projects === true || projects === true;
  return { isHeadless, answer: told ?? (isProjecting && !isHeadless ? 'projected' : undefined) };
}
