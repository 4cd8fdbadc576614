import type { Preprocessing } from '../../../datasets/contract.ts';
import type { Inspection } from '../../checkpoint/inspect.ts';
import { preparationText } from '../../checkpoint/preparation.ts';

/**
 * What the config says of images goes before what lies beside the checkpoint; where they differ, that is worth a warning:
 * another mean and std cost tens of points and look like a bad model.
 * @returns undefined where they agree, or nothing lies there
 */
export function preparationWarning(
  chosen: Preprocessing,
  {
    preprocessing: told,
    preprocessingProblem: problem,
  }: Pick<Inspection, 'preprocessing' | 'preprocessingProblem'>,
): string | undefined {
  if (problem !== undefined) {
    return `images are prepared as data.preprocessing says; what lies beside the checkpoint cannot be had (${problem.subject}: ${problem.found})`;
  }
  if (told === undefined) return undefined;
  const [ours, theirs] = [preparationText(chosen), preparationText(told)];
  if (ours === theirs) return undefined;
  return `images are prepared as data.preprocessing says (${ours}), not as the checkpoint does (${theirs})`;
}
