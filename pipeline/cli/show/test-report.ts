import { join } from 'node:path';
import { z } from 'zod';
import { interval } from '../../library/manifest-parts.ts';
import { readJson } from '../../util/atomic.ts';
import type { Accuracy, AllocatedSummary, LibrarySummary } from './summary.ts';

const measured = z.object({
  top1Percent: interval,
  top1DeltaPp: interval,
  kl: z.number(),
  agreementPercent: z.number(),
  cosine: interval.optional(),
});

/** What `show` needs of a run's `report.json`. */
const testReport = z.object({
  images: z.int().min(1),
  manifestSha256: z.string(),
  teacher: measured,
  uniform: z.array(
    z.object({
      sparsity: z.number(),
      pruned: measured.optional(),
      refit: measured.optional(),
      distilled: measured.optional(),
      gainsPp: z.object({ refit: interval.optional(), distilled: interval.optional() }).optional(),
    }),
  ),
  allocated: z.array(
    z.object({
      sparsity: z.number(),
      widths: z.array(z.int()),
      measured,
      versusUniformPp: interval,
    }),
  ),
});

type Measured = z.infer<typeof measured>;

/**
 * The final numbers of the run that a library lies in. They are not part of the library (it is complete before the test
 * split is touched), so they are shown only where they are found beside it and belong to exactly this manifest.
 * @returns undefined where there are none, or they belong to another library
 */
export async function readTestReport(
  libraryFolder: string,
  manifestSha256: string,
): Promise<LibrarySummary['test']> {
  let found;
  try {
    found = testReport.safeParse(await readJson(join(libraryFolder, '..', 'report', 'test', 'report.json')));
  } catch {
    return undefined;
  }
  if (!found.success || found.data.manifestSha256 !== manifestSha256) return undefined;
  const { images, teacher, uniform, allocated } = found.data;
  return {
    images,
    teacher: accuracyOf(teacher),
    uniform: uniform.flatMap(({ sparsity, pruned, refit, distilled, gainsPp }) =>
      refit === undefined
        ? []
        : [
            {
              sparsity,
              ...(pruned && { pruned: accuracyOf(pruned) }),
              refit: accuracyOf(refit),
              ...(distilled && { distilled: accuracyOf(distilled) }),
              ...(gainsPp && { gainsPp }),
            },
          ],
    ),
    allocated: allocated.map(({ measured: own, ...rest }): AllocatedSummary => ({
      ...rest,
      ...accuracyOf(own),
    })),
  };
}

/** The accuracy of a measured model, as the manifest and the report of a run write it. */
export function accuracyOf({ top1Percent, top1DeltaPp, kl, agreementPercent, cosine }: Measured): Accuracy {
  return {
    top1: top1Percent.mean,
    top1Low: top1Percent.low,
    top1High: top1Percent.high,
    top1DeltaPp,
    kl,
    agreement: agreementPercent,
    ...(cosine && { cosine }),
  };
}
