import { familyProblem, imageSizeText, isSameSize, type Architecture } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import type { ArchitectureHints } from './inspect-options.ts';
import type { Naming } from './naming-contract.ts';
import { poolHints, requirePoolOf } from './pool.ts';

/**
 * Whether what the sources tell together is a model, and of the size that the user says.
 * @param sources `heads`: who told their number
 * @throws BlockForgeError `checkpoint-unsupported`, `config-invalid`
 */
export function checkArchitecture(
  path: string,
  architecture: Architecture,
  { isNormAfterPool }: Pick<Naming, 'isNormAfterPool'>,
  { heads: headsFrom, hints }: { readonly heads: string; readonly hints: ArchitectureHints | undefined },
): void {
  const { width, heads, imageSize } = architecture;
  requirePoolOf(path, architecture, isNormAfterPool);
  const problem = familyProblem(architecture);
  if (problem !== undefined) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: `a model that ${problem}`,
      ...nextOfProblem(architecture, hints),
    });
  }
  if (width % heads !== 0) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: `${heads} heads (from ${headsFrom}) for a width of ${width}`,
      expected: 'a number of heads that divides the width',
    });
  }
  if (hints?.imageSize !== undefined && !isSameSize(hints.imageSize, imageSize)) {
    fail({
      reason: 'config-invalid',
      subject: 'teacher.hints.imageSize',
      found: imageSizeText(hints.imageSize),
      expected: `${imageSizeText(imageSize)}, the size of the checkpoint's positions (they are not interpolated)`,
    });
  }
}

/** The setting that would end the problem, where there is one. */
function nextOfProblem(
  { classToken, pool, stages }: Architecture,
  hints: ArchitectureHints | undefined,
): { readonly next?: string } {
  const readsClassToken = pool === undefined || pool === 'class-and-mean';
  if (classToken === false && readsClassToken) return { next: poolHints };
  const isTold = stages !== undefined && hints?.heads !== undefined;
  return isTold ? { next: 'remove teacher.hints.heads: the weights tell those of every stage' } : {};
}
