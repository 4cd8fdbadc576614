import { join } from 'node:path';
import { countCorrect } from '../../../../pipeline/measure/accuracy.ts';
import type { Job, JobContext } from '../../../../pipeline/runner/contract.ts';
import type { BatchHandling } from '../../../../pipeline/stages/common/artefacts.ts';
import { openSplit, openTeacher } from '../../../../pipeline/stages/common/open.ts';
import { writeJsonAtomic } from '../../../../pipeline/util/atomic.ts';
import type { Json } from '../../../../pipeline/util/hash.ts';

export type PartSettings = { readonly index: number; readonly count: number };
export interface Part {
  readonly images: number;
  readonly correct: number;
}

export async function run(
  { settings, handling }: Job<PartSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { index, count } = settings;
  const { images: access, batchSize } = handling;
  const model = await openTeacher(context);
  const split = await openSplit(context, 'selection', access);
  const items = split.items.filter(({ label }) => label % count === index);
  const correct = await countCorrect(model, split.tensorBatches(items, batchSize), context);
  model.dispose();
  await writeJsonAtomic(join(context.folder, 'part.json'), { images: items.length, correct } satisfies Part);
  return { images: items.length, correct };
}
