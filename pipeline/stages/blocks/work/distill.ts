import { join } from 'node:path';
import { distillBlock } from '../../../distill/loop.ts';
import type { DistillResult } from '../../../distill/task.ts';
import { blockName } from '../../../model/architecture.ts';
import type { JobContext, JobPlan } from '../../../runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import type { ImageHandling } from '../../common/artefacts.ts';
import { fileCheckpoint } from '../../common/checkpoint.ts';
import { readTeacherInfo } from '../../common/open.ts';
import { files, refitJob, type DescendantsInfo } from '../artefacts.ts';
import { distillLength } from '../shape.ts';
import { composedSource, teacherSource, type SourceSettings } from './distill-source.ts';
import { readDescendants, writeDescendants } from './read.ts';

/**
 * Trains all descendants of one block, from their refit, and keeps the better of the two: against the teacher's block on
 * its own inputs, or (`inputs.from: composed`) in part on what a compressed model shows it, block after block.
 * Reads: refitted descendants, sampled block inputs; composed: calibration images, all earlier blocks' descendants.
 * Writes: the final descendants, the gain over refit of each and the held-out errors on the way.
 * Costs: per step 2 teacher products and 5 per width. Resumes inside the job, about every 30 s.
 */
export async function run(job: JobPlan, context: JobContext): Promise<Json> {
  const settings = job.settings as SourceSettings;
  const { block, composed, distill } = settings;
  const refitFolder = context.input(refitJob(block));
  const students = await readDescendants(refitFolder);
  const info = await readJson<DescendantsInfo>(join(refitFolder, files.descendantsInfo));
  const output = join(context.folder, files.descendants);
  const writeInfo = (descendants: DescendantsInfo['descendants']) =>
    writeJsonAtomic(join(context.folder, files.descendantsInfo), {
      block,
      descendants,
    } satisfies DescendantsInfo);
  if (!distill.enabled) {
    await writeDescendants(output, students);
    await writeInfo(
      info.descendants.map((item) => ({ ...item, error: item.refitError, gainOverRefit: 0, kept: 'refit' })),
    );
    return { enabled: false };
  }
  const { depth } = (await readTeacherInfo(context)).architecture;
  const source =
    composed === null
      ? await teacherSource(context, settings, students.length)
      : await composedSource(
          context,
          { ...settings, composed },
          job.handling as ImageHandling,
          students.length,
        );
  let result: DistillResult;
  try {
    result = await distillBlock({
      block: blockName(block),
      students: students.map(({ weights }, index) => ({ id: info.descendants[index]!.id, weights })),
      examples: source.examples,
      settings: { ...distill, steps: distillLength(distill, depth, source.tokens) },
      signal: context.signal,
      checkpoint: fileCheckpoint(context.resumeFolder),
      onProgress: (progress) => context.progress(progress),
    });
    await writeDescendants(output, result.students);
    await source.advance(
      result.students.map(({ weights }) => weights),
      output,
    );
  } finally {
    source.examples.dispose();
    await source.close();
  }
  const descendants = info.descendants.map((item, index) => {
    const { errorAfter, kept, ...trained } = result.students[index]!;
    const gainOverRefit = kept === 'refit' ? 0 : trained.gainOverRefit;
    if (kept === 'refit') context.warn(`${item.id}: training did not beat the refit; the refit is kept`);
    return { ...item, error: kept === 'refit' ? item.refitError : errorAfter, gainOverRefit, kept };
  });
  await writeInfo(descendants);
  await writeJsonAtomic(join(context.folder, files.history), {
    steps: result.steps,
    looks: result.history,
  });
  return { descendants: descendants.map(({ id, error, gainOverRefit }) => ({ id, error, gainOverRefit })) };
}
