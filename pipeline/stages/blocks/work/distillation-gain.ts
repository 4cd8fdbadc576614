import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { distillationGain, type DistillationGain } from '../../../distill/distillation-gain.ts';
import type { DistillResult } from '../../../distill/task.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { readJson } from '../../../util/atomic.ts';
import { indices } from '../../common/artefacts.ts';
import { distillJob, files, type DescendantsInfo } from '../artefacts.ts';

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
      ...(await readJson<DescendantsInfo>(join(folder, files.descendantsInfo))),
      ...(await readJson<{ looks: DistillResult['history'] }>(join(folder, files.history))),
    })),
  );
  const gain = distillationGain(
    blocks.map(({ descendants, looks }) => ({ looks, refitErrors: descendants.map(refitError) })),
  );
  return gain && { widths: blocks[0]!.descendants.map(({ width }) => width), ...gain };
}

/** Not `refitError`, which was measured behind refitted blocks: the training's looks are behind distilled ones. */
function refitError({ kept, error, gainOverRefit }: DescendantsInfo['descendants'][number]): number | null {
  return kept === 'trained' ? error! / (1 - gainOverRefit!) : null;
}
