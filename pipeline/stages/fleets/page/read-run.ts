import { basename, join } from 'node:path';
import { z } from 'zod';
import { answersFile, readAnswers, type Answers } from '../../../report/answers.ts';
import { readJson } from '../../../util/atomic.ts';
import { BlockForgeError, fail } from '../../../util/failure.ts';
import type { Sha256 } from '../../../util/hash.ts';
import { splitFile, splitsJob, teacherJob } from '../../common/artefacts.ts';
import { readJobRecord, weightsOf } from '../../common/page/run-records.ts';
import { baselineName, ensembleJob, files, fuseJob, reportJob, trainJob } from '../artefacts.ts';
import type { FleetsMethod, FleetsReport } from '../report-file.ts';
import { reportSchema } from './report-schema.ts';

const share = z.number();
const look = z.object({
  step: z.number(),
  trainingLoss: z.number().nullable(),
  divergence: z.number(),
  ownAccuracy: share,
  accuracy: share,
});
const training = z.object({ history: z.array(look).min(1), start: look, best: look });
const jointLook = z.object({ step: z.number(), top1: share, crossEntropy: z.number() });
const joint = z.object({ history: z.array(jointLook).min(1), start: jointLook, best: jointLook });
const fusion = z.object({
  chosen: z.string(),
  candidates: z.array(
    z.object({ name: z.string(), top1: share, crossEntropy: z.number(), absentTop1: z.array(share) }),
  ),
});
/** Other methods have a report, too. */
const kind = z.object({ kind: z.string() });
const digest = z.object({ sha256: z.custom<Sha256>((value) => /^[0-9a-f]{64}$/.test(String(value))) });

/** How a model came to be, by its own training. */
export type Training = Readonly<z.infer<typeof training>> & { readonly name: string };

export interface FleetHistory {
  readonly fleet: string;
  /** Sub-models in their order, then the small models; those that were not trained are left out. */
  readonly trainings: readonly Training[];
  /** Of all sub-models together, where that was done. */
  readonly joint?: Readonly<z.infer<typeof joint>> | undefined;
  /** Heads that the selection split chose among. */
  readonly fusion?: Readonly<z.infer<typeof fusion>> | undefined;
}

/** What a run folder tells of its fleets. */
export interface FleetsRun {
  readonly name: string;
  readonly report: FleetsReport;
  /** Of the test split; undefined where that is not there. */
  readonly split?: Sha256 | undefined;
  /** SHA-256 of the teacher's weights; undefined where its job left no record. */
  readonly teacherSha256?: string | undefined;
  /** Undefined in runs from before they were kept, and where they are not of these images and classes. */
  readonly answers?: Answers | undefined;
  readonly histories: readonly FleetHistory[];
}

/**
 * @returns undefined where the folder holds no report of `method` yet
 * @throws BlockForgeError `file-invalid` where what lies there is not one
 */
export async function readFleetsRun(runFolder: string, method: FleetsMethod): Promise<FleetsRun | undefined> {
  const path = join(runFolder, reportJob, files.report);
  const found = await readIfThere(path);
  if (kind.safeParse(found).data?.kind !== method) return undefined;
  const parsed = reportSchema.safeParse(found);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail({
      reason: 'file-invalid',
      subject: path,
      found: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as written'}`,
      expected: `what the last job of ${method} writes`,
      next: 'run it again: finished jobs are kept',
    });
  }
  const report: FleetsReport = parsed.data;
  const split = await readAs(join(runFolder, splitsJob, splitFile('test')), digest);
  const answers = await readAnswers(join(runFolder, reportJob, answersFile));
  return {
    name: basename(runFolder),
    report,
    split: split?.sha256,
    teacherSha256: weightsOf(await readJobRecord(runFolder, teacherJob)),
    answers: answers !== undefined && fits(answers, report, split?.sha256) ? answers : undefined,
    histories: await Promise.all(report.fleets.map((fleet) => readHistory(runFolder, fleet))),
  };
}

/** Of these images, and of these classes. */
function fits({ split, labels, models }: Answers, report: FleetsReport, drawn: string | undefined): boolean {
  const isClass = (one: number) => one >= -1 && one < report.classes.length;
  return (
    labels.length === report.images &&
    (drawn === undefined || split === drawn) &&
    labels.every((label) => label >= 0 && isClass(label)) &&
    Object.values(models).every((answers) => answers.every(isClass))
  );
}

async function readHistory(
  runFolder: string,
  { name, submodels, small }: FleetsReport['fleets'][number],
): Promise<FleetHistory> {
  const models = [
    ...submodels.map((submodel) => submodel.name),
    ...small.map(({ kind }) => baselineName(name, kind)),
  ];
  const read = async (model: string): Promise<Training[]> => {
    const found = await readAs(join(runFolder, trainJob(model), files.history), training);
    return found === undefined ? [] : [{ name: model, ...found }];
  };
  if (!isFolderName(name)) return { fleet: name, trainings: [] };
  return {
    fleet: name,
    trainings: (await Promise.all(models.filter(isFolderName).map(read))).flat(),
    joint: await readAs(join(runFolder, ensembleJob(name), files.history), joint),
    fusion: await readAs(join(runFolder, fuseJob(name), files.fusionReport), fusion),
  };
}

/** A report may come from others: what it names is looked for inside of the run. */
const isFolderName = (name: string): boolean => /^[A-Za-z0-9][\w.-]*$/.test(name);

async function readAs<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  return schema.safeParse(await readIfThere(path)).data;
}

/** @returns undefined for what is missing or is no JSON */
async function readIfThere(path: string): Promise<unknown> {
  try {
    return await readJson<unknown>(path);
  } catch (error) {
    if (error instanceof BlockForgeError) return undefined;
    throw error;
  }
}
