import { existsSync } from 'node:fs';
import { distillationGain, type DistillationGain } from '../../../distill/distillation-gain.ts';
import type { DistillResult } from '../../../distill/task.ts';
import type { TrainedDescendant } from '../../../measure/descendant.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { readJson } from '../../../util/atomic.ts';
import { indices } from '../../common/artefacts.ts';
import { distillJob, files, type DescendantsFile } from '../artefacts.ts';

/** What the distill jobs gained per minute, by width; undefined where they trained nothing. */
export async function readDistillationGain(
  context: Pick<JobContext, 'optionalInput'>,
  depth: number,
): Promise<(DistillationGain & { readonly widths: readonly number[] }) | undefined> {
  const read = async (block: number) => {
    const descendants = context.optionalInput(distillJob(block), files.descendantsFile);
    const history = context.optionalInput(distillJob(block), files.history);
    if (descendants === undefined || history === undefined || !existsSync(history)) return [];
    return {
      ...(await readJson<DescendantsFile<TrainedDescendant>>(descendants)),
      ...(await readJson<{ looks: DistillResult['history'] }>(history)),
    };
  };
  const blocks = (await Promise.all(indices(depth).map(read))).flat();
  const gain = distillationGain(
    blocks.map(({ descendants, looks }) => ({ looks, refitErrors: descendants.map(refitError) })),
  );
  return gain && { widths: blocks[0]!.descendants.map(({ width }) => width), ...gain };
}

/** Not `heldOutError.refit`, which was measured behind refitted blocks: the training's looks are behind distilled ones. */
function refitError({ source, heldOutError, gainOverRefit }: TrainedDescendant): number | null {
  return source === 'distilled' && gainOverRefit !== null ? heldOutError.final / (1 - gainOverRefit) : null;
}
