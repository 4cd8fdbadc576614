import { existsSync } from 'node:fs';
import { join } from 'node:path';
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
  const folders = indices(depth)
    .map((block) => context.optionalInput(distillJob(block)))
    .filter((folder) => folder !== undefined)
    .filter((folder) => existsSync(join(folder, files.history)));
  const blocks = await Promise.all(
    folders.map(async (folder) => ({
      ...(await readJson<DescendantsFile<TrainedDescendant>>(join(folder, files.descendantsFile))),
      ...(await readJson<{ looks: DistillResult['history'] }>(join(folder, files.history))),
    })),
  );
  const gain = distillationGain(
    blocks.map(({ descendants, looks }) => ({ looks, refitErrors: descendants.map(refitError) })),
  );
  return gain && { widths: blocks[0]!.descendants.map(({ width }) => width), ...gain };
}

/** Not `heldOutError.refit`, which was measured behind refitted blocks: the training's looks are behind distilled ones. */
function refitError({ source, heldOutError, gainOverRefit }: TrainedDescendant): number | null {
  return source === 'distilled' && gainOverRefit !== null ? heldOutError.final / (1 - gainOverRefit) : null;
}
