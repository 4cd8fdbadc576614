import { join } from 'node:path';
import type { JobContext, Stage } from '../runner/contract.ts';
import { readJson, writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import {
  distillJob,
  exportJob,
  files,
  indices,
  rankJob,
  refitJob,
  reportJob,
  splitsJob,
  teacherJob,
} from './jobs.ts';
import { measureAll, uniformOf, type Measured } from './measured.ts';
import type { RankingFile } from './rank.ts';
import { uploadDescendants } from './measure.ts';

/** The final numbers, on images that nothing was chosen by. */
export interface TestReport {
  /** Images of the test split; 0 when the config asks for none, and then nothing else is here. */
  readonly images: number;
  readonly teacher?: Measured;
  readonly uniform?: readonly {
    readonly sparsity: number;
    readonly refit?: Measured;
    readonly distilled?: Measured;
  }[];
}

/**
 * Touches the test split, once: the teacher and the uniform models.
 * Reads: test split, teacher, descendants, ranking. Writes: report.json and report.md. Costs: one forward pass per model.
 */
export const report: Stage = {
  name: 'report',
  version: 1,
  plan: ({ loaded, architecture, inputs }) => [
    {
      id: reportJob,
      needs: [splitsJob, teacherJob, rankJob, exportJob],
      wants: indices(architecture.depth).flatMap((block) => [refitJob(block), distillJob(block)]),
      settings: {
        mean: inputs.preprocessing.mean,
        std: inputs.preprocessing.std,
        confidence: loaded.config.measure.confidence,
      },
      estimate: { seconds: 5, memoryBytes: 6e8, diskBytes: 1e5 },
    },
  ],
  async run(_job, context) {
    const ranking = await readJson<RankingFile>(join(context.input(rankJob)!, files.ranking));
    const result = await measureTest(context);
    await writeJsonAtomic(join(context.folder, files.report), result);
    await writeFileAtomic(join(context.folder, files.reportText), describe(context, ranking, result));
    return { images: result.images, ...(result.teacher && { teacherTop1: result.teacher.top1Percent.mean }) };
  },
};

async function measureTest(context: JobContext): Promise<TestReport> {
  const { sweep } = await import('../measure/sweep.ts');
  const { openSplit, openTeacher } = await import('./open.ts');
  const { config } = context.loaded;
  const split = await openSplit(context, 'test');
  const images = split.items.length;
  if (images === 0) return { images };
  const model = await openTeacher(context);
  const models = await uploadDescendants(context);
  const { models: scores } = await sweep({
    model,
    batches: split.tensorBatches(split.items, config.measure.batchSize),
    images,
    descendants: [],
    uniform: models.uniform,
    signal: context.signal,
    onProgress: (progress) => context.progress(progress),
  });
  model.dispose();
  models.dispose();
  const measured = await measureAll(scores, config.measure.confidence);
  return {
    images,
    teacher: measured.get('teacher')!,
    uniform: uniformOf(context, measured),
  };
}

function describe(context: JobContext, ranking: RankingFile, test: TestReport): string {
  const { loaded, engine } = context;
  const percent = ({ top1Percent: { mean, low, high } }: Measured) =>
    `${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  const cell = (measured: Measured | undefined) => (measured === undefined ? '-' : percent(measured));
  const table = (teacher: Measured, uniform: TestReport['uniform']) =>
    [
      '| model | refit | distilled |',
      '|---|---|---|',
      `| teacher | ${percent(teacher)} | |`,
      ...(uniform ?? []).map(
        ({ sparsity, refit, distilled }) =>
          `| uniform, ${Math.round(sparsity * 100)} % removed | ${cell(refit)} | ${cell(distilled)} |`,
      ),
    ].join('\n');
  const confidence = `${loaded.config.measure.confidence * 100} % intervals`;
  return `# ${loaded.name}

Top-1 in percent, ${confidence}, seed ${loaded.config.seed}, engine ${engine}.

## Selection split, ${ranking.teacher.images} images: what the ranking was made from

${table(ranking.teacher, ranking.uniform)}

## Test split, ${test.images} images: used for nothing else

${test.teacher === undefined ? 'The config asks for no test images.' : table(test.teacher, test.uniform)}

The library and its ranking: ../../library (\`npm run pipeline -- show\`).
`;
}
