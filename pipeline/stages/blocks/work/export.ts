import type { DrawnSplit, SplitName } from '../../../../datasets/contract.ts';
import type { BlocksConfig } from '../schema.ts';
import { checkOnnx } from '../../../library/check-graphs.ts';
import type { FittedHead } from '../../../library/fitted-head.ts';
import { accuracyOf, modelScoresOf } from '../../../library/manifest-parts.ts';
import { openLibrary } from '../../../library/open.ts';
import type { DescendantInput } from '../../../library/write-blocks.ts';
import { writeLibrary, type LibraryInput } from '../../../library/write.ts';
import type { IndexKind } from '../../../measure/index-file.ts';
import { widthsAt } from '../../../measure/level.ts';
import type { LatencyProfile } from '../../../measure/latency.ts';
import type { MeasuredDescendant, TrainedDescendant } from '../../../measure/descendant.ts';
import type { Ranked } from '../../../measure/rank.ts';
import { blockName, hiddenUnits, widthName, type Architecture } from '../../../model/architecture.ts';
import { modelCosts, type Costs } from '../../../model/costs.ts';
import { isFfnName } from '../../../model/ffn-weights.ts';
import { withSafetensors, type NamedArrays } from '../../../model/safetensors.ts';
import { profileScript } from '../../../profile/profile-file.ts';
import { fittedOn } from '../../../recipe/fitted-on.ts';
import type { Recipe } from '../../../recipe/recipe.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { findUnfit } from '../../../verify/unfit.ts';
import { loadEngine, type EngineName } from '../../../tensor/engine.ts';
import { readJson } from '../../../util/atomic.ts';
import { known } from '../../../util/known.ts';
import { sha256File, type Json } from '../../../util/hash.ts';
import { toolVersion } from '../../../util/package.ts';
import { commonFiles, indices, teacherIndexJob, teacherJob, type HeadFile } from '../../common/artefacts.ts';
import { manifestClasses, type ClassFacts } from '../../common/manifest-classes.ts';
import { readSources, readSplit, readTeacherInfo } from '../../common/open.ts';
import {
  distillJob,
  files,
  profileJob,
  rankJob,
  type DescendantsFile,
  type RankingFile,
} from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { readDescendantsFile, readRecords } from './descendants.ts';
import { readOrder, readTeacherFfn } from './read.ts';

export type ExportSettings = {
  readonly forms: BlocksConfig['export']['forms'];
  readonly seed: number;
  readonly confidence: number;
  readonly resource: BlocksConfig['rank']['resource'];
  /** Blocks are trained after the refit. */
  readonly distilled: boolean;
  /** That the widths are divided among. */
  readonly descendantJobs: number;
  readonly steps: readonly UniformStep[];
  readonly classes: ClassFacts;
  readonly recipe: Recipe;
  /** Share of the calibration images. */
  readonly heldOut: number;
  /** Copied into the manifest and read by nothing here; in this job's record `verify` and `compose` find the data by it. */
  readonly config: Json;
  /** What its models are measured by, where these are no classifiers. */
  readonly kind?: IndexKind | undefined;
  /** The run fitted the teacher's head. */
  readonly fittedHead?: true | undefined;
};

/**
 * Writes the ranked block library: what whoever receives the folder needs, and nothing that needs this code to be read.
 * Reads: ranking, latency, descendants, teacher. Writes: the library folder. Gates: see `writeLibrary`,
 * and `checkOnnx` where ONNX Runtime is installed.
 */
export async function run({ settings }: Job<ExportSettings>, context: JobContext): Promise<Json> {
  const ranking = await readJson<RankingFile>(context.input(rankJob, files.ranking));
  const latency = await readJson<LatencyProfile>(context.input(profileJob, files.latency));
  const { architecture } = await readTeacherInfo(context);
  const hiddens = hiddenUnits(architecture);
  const teacherFile = context.input(teacherJob, commonFiles.teacher);
  const input: LibraryInput = {
    toolVersion: await toolVersion(),
    forms: settings.forms,
    seed: settings.seed,
    engine: await describeEngine(context),
    config: settings.config as LibraryInput['config'],
    confidence: settings.confidence,
    teacher: await teacherOf(context, teacherFile, ranking, settings),
    data: await dataOf(context),
    fitted: await fittedIn(context, settings),
    latencyProfile: latency.profile,
    ...wholeModels(ranking, architecture, settings),
    ...(ranking.additivity && { additivity: ranking.additivity }),
    ...(ranking.predictor && { predictor: ranking.predictor }),
    profileScript,
    ...(settings.kind && {
      index: { kind: settings.kind, path: context.input(teacherIndexJob, commonFiles.index) },
    }),
    frame: () => readFrame(teacherFile),
    blocks: await Promise.all(
      indices(architecture.depth).map(async (block) => ({
        descendants: await descendantsOf(context, block, hiddens[block]!, settings, ranking.descendants),
      })),
    ),
    resource: settings.resource,
    ranked: placesOf(ranking),
  };
  const manifest = await writeLibrary(context.folder, input, {
    signal: context.signal,
    onDescendant: (done, total) =>
      context.progress({ fraction: done / total, note: `descendant ${done}/${total}` }),
  });
  const library = await openLibrary(context.folder, { check: 'none' });
  const onnx = await checkOnnx(library, context.signal);
  for (const item of await findUnfit(context.place, library)) context.setAside(item);
  const sizes = manifest.blocks.flatMap(({ descendants }) => descendants.map(({ file }) => file.sizeBytes));
  return {
    library: context.place,
    blocks: manifest.blocks.length,
    descendants: sizes.length,
    sizeBytes: sizes.reduce((sum, bytes) => sum + bytes, manifest.frame.sizeBytes),
    onnx: { ...onnx },
  };
}

async function describeEngine(context: JobContext): Promise<LibraryInput['engine']> {
  const { name, version, device, threads } = await loadEngine(context.engine as EngineName);
  return { name, version, device, threads };
}

async function teacherOf(
  context: JobContext,
  file: string,
  ranking: RankingFile,
  { classes, fittedHead }: Pick<ExportSettings, 'classes' | 'fittedHead'>,
): Promise<LibraryInput['teacher']> {
  const { architecture, preprocessing } = await readTeacherInfo(context);
  return {
    sha256: await sha256File(file),
    architecture,
    preprocessing: {
      ...preprocessing,
      mean: [...preprocessing.mean],
      std: [...preprocessing.std],
    },
    ...(await manifestClasses(context, classes)),
    ...costFigures(modelCosts(architecture)),
    ...(fittedHead && { fittedHead: await readFittedHead(context) }),
    accuracy: accuracyOf(ranking.teacher),
  };
}

async function readFittedHead(context: JobContext): Promise<FittedHead> {
  const { images, heldOut, ridge, temperature } = await readJson<HeadFile>(
    context.input(teacherJob, commonFiles.head),
  );
  const { top1: mean, low, high } = heldOut;
  return {
    images,
    heldOut: { images: heldOut.images, top1Percent: { mean, low, high } },
    ridge,
    temperature,
  };
}

/** The order that the ranking found. */
const placesOf = ({ descendants }: RankingFile): Ranked[] =>
  Object.values(descendants)
    .flatMap(({ ranked }) => ranked ?? [])
    .sort((a, b) => a.overallRank - b.overallRank);

/** The measured models, as the manifest tells them. */
export function wholeModels(
  { uniform, contexts, allocated }: Pick<RankingFile, 'uniform' | 'contexts' | 'allocated'>,
  architecture: Architecture,
  { steps, distilled: trained }: Pick<ExportSettings, 'steps' | 'distilled'>,
): Pick<LibraryInput, 'uniform' | 'contexts' | 'allocated'> {
  const levels = new Map(steps.map(({ sparsity, ...level }) => [sparsity, level]));
  const idsOf = (widths: readonly number[]) =>
    widths.map((width, block) => `${blockName(block)}/${widthName(width)}`);
  return {
    // A uniform model of a width that failed: its ids would name descendants that are not here.
    uniform: uniform.flatMap(({ sparsity, pruned, refit, distilled, gainsPp }) => {
      if (refit === undefined || (trained && distilled === undefined)) return [];
      const widths = widthsAt(known(levels, sparsity), architecture.depth);
      return [
        {
          sparsity,
          descendants: idsOf(widths),
          ...costFigures(modelCosts(architecture, widths)),
          ...(pruned && { pruned: modelScoresOf(pruned) }),
          refit: modelScoresOf(refit),
          distilled: distilled === undefined ? null : modelScoresOf(distilled),
          ...(gainsPp && { gainsPp }),
        },
      ];
    }),
    contexts: contexts.map(({ measured, ...context }) => ({ ...context, ...modelScoresOf(measured) })),
    allocated: allocated.map(({ costs, sparsity, widths, measured, versusUniformPp }) => ({
      sparsity,
      costs,
      descendants: idsOf(widths),
      ...costFigures(modelCosts(architecture, widths)),
      scores: modelScoresOf(measured),
      versusUniformPp,
    })),
  };
}

/** The teacher's own block first, then the descendants, widest first. A width that failed has none. */
async function descendantsOf(
  context: JobContext,
  block: number,
  hidden: number,
  { descendantJobs }: Pick<ExportSettings, 'descendantJobs'>,
  measured: RankingFile['descendants'],
): Promise<DescendantInput[]> {
  const withMeasured = (record: TrainedDescendant): MeasuredDescendant => ({
    ...record,
    ...measured[record.id]!.measured,
  });
  const teacher: DescendantInput = {
    record: withMeasured({
      id: `${blockName(block)}/${widthName(hidden)}`,
      width: hidden,
      sparsity: 0,
      predictedError: 0,
      heldOutError: { refit: 0, final: 0 },
      gainOverRefit: null,
      source: 'teacher',
    }),
    keptUnits: indices(hidden),
    weights: () => readTeacherFfn(context, block),
  };
  const made = await readRecords(context, descendantJobs, block);
  if (made.length === 0) return [teacher];
  const units = await readOrder(context, block);
  const result = made.map(({ record, path }): DescendantInput => ({
    record: withMeasured(record),
    keptUnits: units.subarray(0, record.width),
    weights: async () => (await readDescendantsFile(path, record.width))[0]!,
  }));
  return [teacher, ...result];
}

async function readFrame(teacherFile: string): Promise<NamedArrays> {
  return withSafetensors(teacherFile, async (file) => {
    const frame: NamedArrays = {};
    for (const name of file.names) {
      if (!isFfnName(name)) frame[name] = { shape: file.info(name).shape, data: await file.read(name) };
    }
    return frame;
  });
}

function costFigures({ params, macs }: Costs) {
  return { params, macs };
}

async function fittedIn(context: JobContext, { recipe, heldOut, descendantJobs }: ExportSettings) {
  const { items } = await readSplit(context, 'calibration');
  const paths = indices(descendantJobs).flatMap(
    (shard) => context.optionalInput(distillJob(shard), files.descendantsFile) ?? [],
  );
  const trained = await Promise.all(paths.map((path) => readJson<DescendantsFile<TrainedDescendant>>(path)));
  const steps = trained.flatMap((job) => job.steps ?? []);
  const ends = steps.length === 0 ? null : { least: Math.min(...steps), most: Math.max(...steps) };
  return fittedOn(recipe, heldOut, items.length, () => ends);
}

async function dataOf(context: JobContext): Promise<LibraryInput['data']> {
  const sources = await readSources(context);
  const imagesOf = async (name: SplitName) => {
    const { items, sha256 } = await readSplit(context, name);
    return { images: items.length, sha256 };
  };
  const of = async (name: DrawnSplit) => {
    const { from, mayBeTrainedOn } = sources[name];
    return { ...(await imagesOf(name)), from, ...(mayBeTrainedOn && { mayBeTrainedOn }) };
  };
  const train = await imagesOf('train');
  return {
    ...(train.images > 0 && { train }),
    calibration: await of('calibration'),
    selection: await of('selection'),
    test: await of('test'),
  };
}
