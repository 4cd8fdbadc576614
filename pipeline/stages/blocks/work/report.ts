import { join } from 'node:path';
import type { JobContext, Stage } from '../../../runner/contract.ts';
import { readJson, writeFileAtomic, writeJsonAtomic } from '../../../util/atomic.ts';
import { readDistillationGain } from './distillation-gain.ts';
import {
  distillJob,
  exportJob,
  files,
  indices,
  polishJob,
  rankJob,
  refitJob,
  reportJob,
  splitsJob,
  teacherJob,
} from '../artefacts.ts';
import { uniformModels } from './measure.ts';
import {
  allocatedOf,
  measureAll,
  uniformOf,
  type Measured,
  type MeasuredAllocation,
  type MeasuredUniform,
} from './measured.ts';
import { polishedModels, readPolished, removedPercent } from './polish.ts';
import type { RankingFile } from './rank.ts';
import { describeReport } from './report-text.ts';

/** The final numbers, on images that nothing was chosen by. */
export interface TestReport {
  /** Images of the test split; 0 when the config asks for none, and then nothing else is here. */
  readonly images: number;
  readonly teacher?: Measured;
  readonly uniform?: readonly MeasuredUniform[];
  readonly allocated?: readonly MeasuredAllocation[];
  /** End-to-end distilled uniform models, by sparsity; only where the config asks for them. */
  readonly polished?: readonly { readonly sparsity: number; readonly measured: Measured }[];
  /** Of the calibration images, not the test split: what the training gained over its time; absent where there was none. */
  readonly distillation?: Awaited<ReturnType<typeof readDistillationGain>>;
  /** Of the library's manifest: which library these numbers belong to. */
  readonly manifestSha256: string;
}

/**
 * Touches the test split, once: the teacher, the uniform models and the allocated ones.
 * Reads: test split, teacher, descendants and the history of their training, ranking. Writes: report.json and report.md.
 * Costs: one forward pass per model.
 */
export const report: Stage = {
  name: 'report',
  version: 3,
  plan: ({ loaded, architecture, inputs }) => [
    {
      id: reportJob,
      needs: [splitsJob, teacherJob, rankJob, exportJob],
      wants: [
        ...indices(architecture.depth).flatMap((block) => [refitJob(block), distillJob(block)]),
        ...polishedModels(loaded.config, architecture.hidden).map(({ sparsity }) =>
          polishJob(removedPercent(sparsity)),
        ),
      ],
      settings: {
        mean: inputs.preprocessing.mean,
        std: inputs.preprocessing.std,
        confidence: loaded.config.measure.confidence,
      },
      estimate: { seconds: 5, memoryBytes: 6e8, diskBytes: 1e5 },
    },
  ],
  async run(_job, context) {
    const { sha256File } = await import('../../../util/hash.ts');
    const ranking = await readJson<RankingFile>(join(context.input(rankJob)!, files.ranking));
    const polished = await readPolished(context);
    const distillation = await readDistillationGain(context);
    const result: TestReport = {
      ...(await measureTest(context, ranking.allocated, polished)),
      ...(distillation && { distillation }),
      manifestSha256: await sha256File(join(context.input(exportJob)!, 'manifest.json')),
    };
    await writeJsonAtomic(join(context.folder, files.report), result);
    await writeFileAtomic(
      join(context.folder, files.reportText),
      describeReport(
        context,
        ranking,
        result,
        polished.map((item) => item.polished),
      ),
    );
    return { images: result.images, ...(result.teacher && { teacherTop1: result.teacher.top1Percent.mean }) };
  },
};

async function measureTest(
  context: JobContext,
  allocated: RankingFile['allocated'],
  polished: Awaited<ReturnType<typeof readPolished>>,
): Promise<Omit<TestReport, 'manifestSha256' | 'distillation'>> {
  const { sweep } = await import('../../../measure/sweep.ts');
  const { openSplit, openTeacher } = await import('./open.ts');
  const { composed } = await import('./composed.ts');
  const { uploadDescendants } = await import('./whole-models.ts');
  const { config } = context.loaded;
  const split = await openSplit(context, 'test');
  const images = split.items.length;
  if (images === 0) return { images };
  const model = await openTeacher(context);
  const library = await uploadDescendants(context, { refitted: true });
  const { disposeFfn, uploadFfn } = await import('../../../model/vit.ts');
  const uploaded = polished.map(({ polished: { sparsity }, ffns }) => ({
    sparsity,
    ffns: ffns.map(uploadFfn),
  }));
  const { models: scores } = await sweep({
    model,
    batches: split.tensorBatches(split.items, config.measure.batchSize),
    images,
    descendants: [],
    uniform: [
      ...uniformModels(context, library),
      ...composed(
        model,
        library,
        allocated.filter(({ costs }) => costs !== 'uniform'),
      ),
      ...uploaded.map(({ sparsity, ffns }) => ({
        id: `polished/${sparsity}`,
        ffn: (block: number) => ffns[block],
      })),
    ],
    signal: context.signal,
    onProgress: (progress) => context.progress(progress),
  });
  model.dispose();
  library.dispose();
  uploaded.forEach(({ ffns }) => ffns.forEach(disposeFfn));
  const measured = measureAll(scores, config.measure.confidence);
  return {
    images,
    teacher: measured.get('teacher')!,
    uniform: uniformOf(context, measured),
    allocated: await allocatedOf(context, allocated, scores, measured),
    ...(polished.length > 0 && {
      polished: uploaded.map(({ sparsity }) => ({
        sparsity,
        measured: measured.get(`polished/${sparsity}`)!,
      })),
    }),
  };
}
