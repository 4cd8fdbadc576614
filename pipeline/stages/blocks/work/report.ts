import { join } from 'node:path';
import { besideUniform } from '../../../measure/allocations.ts';
import { measureNames } from '../../../measure/measure-names.ts';
import { measureAll, measuredOf, finalUniformId, uniformOf } from '../../../measure/measured.ts';
import { describeClasses } from '../../../library/describe-classes.ts';
import type { Manifest } from '../../../library/manifest.ts';
import { recommendedModel } from '../../../library/recommended-model.ts';
import type { Said } from '../../../measure/said.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { answersFile, writeAnswers } from '../../../report/answers.ts';
import { readJson, writeFileAtomic, writeJsonAtomic } from '../../../util/atomic.ts';
import { sha256File, type Json } from '../../../util/hash.ts';
import type { BatchHandling } from '../../common/artefacts.ts';
import { openSplit, readSplit, readTeacherInfo } from '../../common/open.ts';
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
import { writeExampleImages } from './examples.ts';
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
  /** That the widths are divided among. */
  readonly descendantJobs: number;
  /** Sparsities of the models that were polished. */
  readonly polished: readonly number[];
  /** Images of either kind that are shown (`writeExampleImages`). */
  readonly examples: number;
};

export type ReportHandling = BatchHandling & {
  /** Of the run, for the title. */
  readonly name: string;
};

/**
 * Touches the test split, once: the teacher, the uniform models and the allocated ones.
 * Reads: test split, teacher, descendants and the history of their training, ranking. Writes: report.json and report.md; what
 * every model said of every image; and images that the recommended model and the teacher answer differently.
 * Costs: one forward pass per model.
 */
export async function run(
  { settings, handling }: Job<ReportSettings, ReportHandling>,
  context: JobContext,
): Promise<Json> {
  const ranking = await readJson<RankingFile>(context.input(rankJob, files.ranking));
  const polished = await readPolished(context, settings.polished);
  const distillation = await readDistillationGain(context, settings.descendantJobs);
  const path = context.input(exportJob, 'manifest.json');
  const manifest = await readJson<Manifest>(path);
  const { measure } = manifest.teacher;
  const classes = describeClasses(manifest.teacher);
  const tested = await measureTest(context, settings, handling, ranking.allocated, polished);
  const result: TestReport = {
    ...tested.report,
    ...(distillation && { distillation }),
    manifestSha256: await sha256File(path),
  };
  await writeJsonAtomic(join(context.folder, files.report), result);
  await writeSaid(context, settings, handling, manifest, tested.said);
  const { seed, confidence } = settings;
  const text = describeReport(
    {
      name: handling.name,
      engine: String(context.engine),
      seed,
      confidence,
      classes,
      manifest,
      measure: measure?.kind,
    },
    ranking,
    result,
    polished.map((item) => item.polished),
  );
  await writeFileAtomic(join(context.folder, files.reportText), text);
  return {
    images: result.images,
    ...(measure && { measure: measureNames(measure.kind).top1 }),
    ...(result.teacher && { teacherTop1: result.teacher.top1Percent.mean }),
  };
}

/** @param said of every model on the test split; empty where there is none */
async function writeSaid(
  context: JobContext,
  { examples }: ReportSettings,
  { images }: BatchHandling,
  manifest: Manifest,
  said: ReadonlyMap<string, Said>,
): Promise<void> {
  const teacher = said.get('teacher');
  if (teacher === undefined) return;
  const { items, sha256 } = await readSplit(context, 'test');
  const labels = items.map(({ label }) => label);
  await writeAnswers(join(context.folder, answersFile), {
    split: sha256,
    labels,
    models: Object.fromEntries([...said].map(([id, { chosen }]) => [id, [...chosen]])),
  });
  const id = recommendedModel(manifest)?.model.id;
  const model = id === undefined ? undefined : said.get(id);
  if (id === undefined || model === undefined) return;
  const split = await openSplit(context, 'test', images);
  await writeExampleImages(context.folder, { id, labels, teacher, model }, split, examples);
}

interface Tested {
  readonly report: Omit<TestReport, 'manifestSha256' | 'distillation'>;
  readonly said: ReadonlyMap<string, Said>;
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
      const weights = context.optionalInput(job, files.polishedBlocks);
      if (weights === undefined) return [];
      const polished = await readJson<Polished>(context.input(job, files.polished));
      return [{ polished, ffns: await readBlocks(weights) }];
    }),
  );
  return found.flat();
}

async function measureTest(
  context: JobContext,
  { steps, distilled, descendantJobs, confidence }: ReportSettings,
  handling: BatchHandling,
  allocated: RankingFile['allocated'],
  polished: readonly PolishedModel[],
): Promise<Tested> {
  const images = (await readSplit(context, 'test')).items.length;
  if (images === 0) return { report: { images }, said: new Map() };
  const polishedId = (sparsity: number) => `polished/${sparsity}`;
  const swept = { name: 'test', handling, heard: () => true } as const;
  const { models: scores, said } = await sweepSplit(context, swept, async (model) => {
    const library = await uploadDescendants(context, model, steps, {
      jobs: descendantJobs,
      beforeTraining: true,
    });
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
  const { architecture } = await readTeacherInfo(context);
  const measured = measureAll(scores, confidence, architecture);
  const report = {
    images,
    teacher: measuredOf(measured, 'teacher'),
    uniform: uniformOf(
      steps.map(({ sparsity }) => sparsity),
      scores,
      measured,
      confidence,
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
  return { report, said };
}
