import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { interval } from '../../../library/manifest-parts.ts';
import { findManifest, openLibrary, type Library } from '../../../library/open.ts';
import {
  doubtfulPercent,
  libraryLatency,
  profiledLatency,
  type LatencyModel,
} from '../../../profile/latency.ts';
import { profileNames } from '../../../profile/profile-file.ts';
import { answersFile, readAnswers, type Answers } from '../../../report/answers.ts';
import { examplesFile, readExamples, type Examples } from '../../../report/examples-file.ts';
import { readJson } from '../../../util/atomic.ts';
import { BlockForgeError } from '../../../util/failure.ts';
import { distillJob, files, rankJob, reportJob } from '../artefacts.ts';

const measured = z.object({
  images: z.int().min(1),
  top1Percent: interval,
  top1DeltaPp: interval,
  kl: z.number(),
  agreementPercent: z.number(),
});
/** What the page says of a whole model on a split. */
export type MeasuredOnSplit = z.infer<typeof measured>;

const gains = z.object({ refit: interval.optional(), distilled: interval.optional() });

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
      gainsPp: gains.optional(),
    }),
  ),
  allocated: z.array(
    z.object({
      id: z.string(),
      costs: z.string(),
      sparsity: z.number(),
      measured,
      versusUniformPp: interval,
    }),
  ),
  polished: z.array(z.object({ sparsity: z.number(), measured })).optional(),
});
export type TestNumbers = z.infer<typeof testReport>;

const ranking = z.object({
  compositions: z.array(
    z.object({
      widths: z.array(z.int().min(1)),
      klIncrease: z.number(),
      measuredLossPp: z.number(),
      standardErrorPp: z.number().min(0),
    }),
  ),
});
export type MeasuredRandom = z.infer<typeof ranking>['compositions'][number];

const history = z.object({
  steps: z.object({ planned: z.int(), made: z.int() }),
  widths: z.array(
    z.object({
      width: z.int(),
      kept: z.enum(['refit', 'trained']),
      klBefore: z.number(),
      klAfter: z.number(),
    }),
  ),
  looks: z
    .array(
      z.object({
        step: z.number(),
        seconds: z.number(),
        kl: z.array(z.number()),
        losses: z.array(z.number()).optional(),
      }),
    )
    .min(1),
});

/** The training of one width of all blocks. */
export interface WidthTraining {
  readonly width: number;
  readonly kept: 'refit' | 'trained';
  /** KL(teacher || uniform model) on held-out images, in nats: of the refit, and the least while training. */
  readonly klBefore: number;
  readonly klAfter: number;
  /** The refit at step 0, then after steps; `loss` of the steps since the look before. */
  readonly looks: readonly {
    readonly step: number;
    readonly kl: number;
    readonly loss: number | undefined;
  }[];
}

/** Everything that a finished run left behind for its report; what is not there is undefined or empty. */
export interface BlocksRun {
  readonly folder: string;
  readonly name: string;
  readonly library: Library;
  /** Of a device where the library has a profile, else of this run's machine. */
  readonly latency: LatencyModel;
  /** Its name, where it is of a device. */
  readonly profile: string | undefined;
  /** Of the test split, and of this library. */
  readonly test: TestNumbers | undefined;
  readonly random: readonly MeasuredRandom[];
  /** Widest first. */
  readonly trained: readonly WidthTraining[];
  readonly answers: Answers | undefined;
  readonly examples: Examples | undefined;
}

/**
 * Reads a run folder without trusting it, and loads no engine.
 * @returns undefined where it holds no library yet
 * @throws BlockForgeError `library-invalid` for one that is damaged
 */
export async function readBlocksRun(runFolder: string): Promise<BlocksRun | undefined> {
  const folder = resolve(runFolder);
  const place = join(folder, 'library');
  if (!(await hasManifest(place))) return undefined;
  const library = await openLibrary(place, { check: 'sizes' });
  const test = await readChecked(join(folder, reportJob, files.report), testReport);
  const isOwn = test?.manifestSha256 === library.manifestSha256;
  const inReport = (name: string) => join(folder, reportJob, name);
  return {
    folder,
    name: basename(folder),
    library,
    ...(await latencyOf(library)),
    test: isOwn ? test : undefined,
    random: (await readChecked(join(folder, rankJob, files.ranking), ranking))?.compositions ?? [],
    trained: await readTrained(folder),
    answers: isOwn ? await readAnswers(inReport(answersFile)) : undefined,
    examples: isOwn ? await readExamples(inReport(examplesFile)) : undefined,
  };
}

async function hasManifest(place: string): Promise<boolean> {
  try {
    await findManifest(place);
    return true;
  } catch (error) {
    if (error instanceof BlockForgeError) return false;
    throw error;
  }
}

/** The first profile by name that can be read and adds up to whole models. */
async function latencyOf(library: Library): Promise<Pick<BlocksRun, 'latency' | 'profile'>> {
  for (const name of await profileNames(library)) {
    const found = await profiledLatency(library, name).catch((error: unknown) => {
      if (error instanceof BlockForgeError) return undefined;
      throw error;
    });
    if (found !== undefined && (found.errorPercent ?? 0) <= doubtfulPercent)
      return { latency: found, profile: name };
  }
  return { latency: libraryLatency(library.manifest), profile: undefined };
}

/** By the jobs in their order; a width of a job that an earlier plan had is not taken twice. */
async function readTrained(folder: string): Promise<WidthTraining[]> {
  const found = new Map<number, WidthTraining>();
  for (let shard = 0; ; shard++) {
    const job = join(folder, distillJob(shard));
    if (!existsSync(job)) break;
    const training = await readChecked(join(job, files.history), history);
    const count = training?.widths.length;
    if (training === undefined || training.looks.some(({ kl }) => kl.length !== count)) continue;
    for (const [place, width] of training.widths.entries()) {
      if (found.has(width.width)) continue;
      const looks = training.looks.map(({ step, kl, losses }) => ({
        step,
        kl: kl[place]!,
        loss: losses?.[place],
      }));
      found.set(width.width, { ...width, looks });
    }
  }
  return [...found.values()].sort((a, b) => b.width - a.width);
}

/** Undefined where there is no such file, or it is not what it should be: that part of the page is left out. */
async function readChecked<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    const parsed = schema.safeParse(await readJson(path));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof BlockForgeError) return undefined;
    throw error;
  }
}
