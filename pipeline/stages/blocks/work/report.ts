import { join } from 'node:path';
import { besideUniform } from '../../../measure/allocations.ts';
import { measureAll, measuredOf, finalUniformId, uniformOf } from '../../../measure/measured.ts';
import { describeClasses } from '../../../library/describe-classes.ts';
import type { Manifest } from '../../../library/manifest.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { readJson, writeFileAtomic, writeJsonAtomic } from '../../../util/atomic.ts';
import { sha256File, type Json } from '../../../util/hash.ts';
import type { BatchHandling } from '../../common/artefacts.ts';
import { readSplit, readTeacherInfo } from '../../common/open.ts';
import {
  exportJob,
  files,
  polishJob,
  rankJob,
  type Polished,
  type RankingFile,
  type TestReport,
} from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { removedPercent } from '../shape.ts';
import { readDistillationGain } from './distillation-gain.ts';
import { readBlocks } from './read.ts';
import { describeReport } from './report-text.ts';
import {
  composedModels,
  sweepSplit,
  uniformModels,
  uploadDescendants,
  uploadedModels,
} from './whole-models.ts';

export type ReportSettings = {
  readonly seed: number;
  readonly confidence: number;
  readonly steps: readonly UniformStep[];
  readonly distilled: boolean;
  /** Sparsities of the models that were polished. */
  readonly polished: readonly number[];
};

export type ReportHandling = BatchHandling & {
  /** Of the run, for the title. */
  readonly name: string;
};

/**
 * Touches the test split, once: the teacher, the uniform models and the allocated ones.
 * Reads: test split, teacher, descendants and the history of their training, ranking. Writes: report.json and report.md.
 * Costs: one forward pass per model.
 */
export async function run(
  { settings, handling }: Job<ReportSettings, ReportHandling>,
  context: JobContext,
): Promise<Json> {
  const { depth } = (await readTeacherInfo(context)).architecture;
  const ranking = await readJson<RankingFile>(context.input(rankJob, files.ranking));
  const polished = await readPolished(context, settings.polished);
  const distillation = await readDistillationGain(context, depth);
  const path = context.input(exportJob, 'manifest.json');
  const manifest = await readJson<Manifest>(path);
  const classes = describeClasses(manifest.teacher);
  const result: TestReport = {
    ...(await measureTest(context, settings, handling, ranking.allocated, polished)),
    ...(distillation && { distillation }),
    manifestSha256: await sha256File(path),
  };
  await writeJsonAtomic(join(context.folder, files.report), result);
  const { seed, confidence } = settings;
  const text = describeReport(
    { name: handling.name, engine: String(context.engine), seed, confidence, classes, manifest },
    ranking,
    result,
    polished.map((item) => item.polished),
  );
  await writeFileAtomic(join(context.folder, files.reportText), text);
  return { images: result.images, ...(result.teacher && { teacherTop1: result.teacher.top1Percent.mean }) };
}

interface PolishedModel {
  readonly polished: Polished;
  readonly ffns: readonly FfnWeights[];
}

/** One that failed is left out. */
async function readPolished(context: JobContext, sparsities: readonly number[]): Promise<PolishedModel[]> {
  const found = await Promise.all(
    sparsities.map(async (sparsity) => {
      const job = polishJob(removedPercent(sparsity));
      const weights = context.optionalInput(job, files.descendants);
      if (weights === undefined) return [];
      const polished = await readJson<Polished>(context.input(job, files.polished));
      return [{ polished, ffns: await readBlocks(weights) }];
    }),
  );
  return found.flat();
}

async function measureTest(
  context: JobContext,
  { steps, distilled, confidence }: ReportSettings,
  handling: BatchHandling,
  allocated: RankingFile['allocated'],
  polished: readonly PolishedModel[],
): Promise<Omit<TestReport, 'manifestSha256' | 'distillation'>> {
  const images = (await readSplit(context, 'test')).items.length;
  if (images === 0) return { images };
  const polishedId = (sparsity: number) => `polished/${sparsity}`;
  const { models: scores } = await sweepSplit(context, { name: 'test', handling }, async (model) => {
    const library = await uploadDescendants(context, model, steps, { refitted: true });
    const own = uploadedModels(
      polished.map(({ polished: { sparsity }, ffns }) => ({ id: polishedId(sparsity), ffns })),
    );
    const notUniform = allocated.filter(({ costs }) => costs !== 'uniform');
    return {
      models: [
        ...uniformModels(library, steps, distilled),
        ...composedModels(library, notUniform),
        ...own.models,
      ],
      dispose() {
        library.dispose();
        own.dispose();
      },
    };
  });
  const measured = measureAll(scores, confidence);
  return {
    images,
    teacher: measuredOf(measured, 'teacher'),
    uniform: uniformOf(
      steps.map(({ sparsity }) => sparsity),
      measured,
    ),
    allocated: besideUniform(allocated, scores, measured, confidence, (sparsity) =>
      finalUniformId(sparsity, distilled),
    ),
    ...(polished.length > 0 && {
      polished: polished.map(({ polished: { sparsity } }) => ({
        sparsity,
        measured: measuredOf(measured, polishedId(sparsity)),
      })),
    }),
  };
}
