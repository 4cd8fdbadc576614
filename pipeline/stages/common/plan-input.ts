import { drawnSource } from '../../config/drawn-source.ts';
import type { LoadedConfig } from '../../config/loaded.ts';
import type { Config } from '../../config/schema.ts';
import type { EngineChoice, EngineName } from '../../tensor/engine.ts';
import { resolveEngine } from '../../tensor/installed.ts';
import { resolvePreprocessing } from '../../../datasets/preprocessing.ts';
import { countImages, dataFiles, sourceClasses, type SourceClasses } from '../../../datasets/open.ts';
import { countParts, refuseTooFew } from '../../../datasets/split-sizes.ts';
import { describeSources, splitSources } from '../../../datasets/split-sources.ts';
import { folderState } from '../../../datasets/sources/folder/folder-state.ts';
import { listFolder, type ListedFolder } from '../../../datasets/sources/folder/list-folder.ts';
import type { Origin, Preprocessing } from '../../../datasets/contract.ts';
import type { HubOptions } from '../../hub/hub.ts';
import { inspectCheckpoint, type ArchitectureHints, type Inspection } from '../../checkpoint/inspect.ts';
import type { ToldNames } from '../../checkpoint/told-naming.ts';
import { isClassifier, withoutHead, type Architecture } from '../../model/architecture.ts';
import { plannedFacts } from '../../precision/planned-facts.ts';
import { resolvePrecision, type ResolvedPrecision } from '../../precision/resolve-precision.ts';
import { BlockForgeError, fail, type Failure } from '../../util/failure.ts';
import {
  assumeCheckpoint,
  assumedClasses,
  assumedParts,
  isMissing,
  shownPath,
  type Assume,
} from './assumed-inputs.ts';
import { answering, headReading } from './answering.ts';
import { checkEmbeddings, refuseEmbeddingsOfClassifier } from './check-embeddings.ts';
import { requireSeveral, resolveClasses, resolveOwnClasses, type ModelClasses } from './classes.ts';
import { preparationWarning } from './preparation-warning.ts';

/** What the stages need to know to list their jobs. No engine is loaded while planning. */
export interface PlanInput<C extends Config = Config> {
  readonly loaded: LoadedConfig<C>;
  readonly architecture: Architecture;
  readonly engine: EngineName;
  readonly precision: ResolvedPrecision;
  readonly inputs: RunInputs;
  /** What the plan tells besides its jobs; sentences. */
  readonly warnings?: readonly string[] | undefined;
}

/** A checkpoint beside the teacher's, as a config names it. */
export interface OtherCheckpoint {
  /** Where the config says it, e.g. `students[1]`. */
  readonly key: string;
  readonly checkpoint: string;
  readonly architecture?: string | undefined;
  readonly hints?: ArchitectureHints | undefined;
  readonly names?: ToldNames | undefined;
}

/** What was found of it by its headers. */
export interface InspectedCheckpoint extends OtherCheckpoint {
  /** As in the file, with its own classes. */
  readonly found: Architecture;
  readonly files: readonly string[];
  readonly told: Pick<Inspection, 'preprocessing' | 'preprocessingProblem'>;
}

/** What was found outside before planning: read from headers and folder listings only. */
export interface RunInputs {
  /** The checkpoint's files (weights and config.json), absolute; empty when the teacher is trained here. */
  readonly checkpointFiles: readonly string[];
  /** Packed data files, hashed by content; empty for folders and synthetic data. */
  readonly dataFiles: readonly string[];
  /** Hash over what a folder of images looks like from outside (`folderState`), else null. */
  readonly dataListing: string | null;
  /** What that folder holds and what of it is read, and which part each split is drawn from; sentences. */
  readonly dataAccount?: readonly string[] | undefined;
  /** How an image becomes the model's input. */
  readonly preprocessing: Preprocessing;
  /** Which class of the data is which output of the teacher. */
  readonly classes: ModelClasses;
  /** Embeddings of the classes' names, absolute; only of a teacher without a classifier. */
  readonly textEmbeddings?: string | undefined;
  /** Other checkpoints that the method's config names, in its order. */
  readonly others?: readonly InspectedCheckpoint[] | undefined;
}

/**
 * Everything the stages need to list their jobs: reads headers and listings only, loads no engine, decodes nothing.
 * @param hub how to tell of and stop the download of an `hf:` checkpoint, the only thing here that can take long
 * @param others checkpoints that the method's config names beside the teacher's
 * @param assume for plans alone: what is not there is assumed, and told here, where the config says enough
 * @throws BlockForgeError for a missing or foreign checkpoint, one that no preset or preparation fits, missing data.
 */
export async function preparePlanInput<C extends Config>(
  loaded: LoadedConfig<C>,
  engineChoice: EngineChoice,
  hub: HubOptions = {},
  others: readonly OtherCheckpoint[] = [],
  assume?: Assume,
): Promise<PlanInput<C>> {
  const { config } = loaded;
  const engine = resolveEngine(engineChoice);
  const precision = resolvePrecision(config.precision, plannedFacts(engine), `${loaded.file}: precision`);
  const teacher = await inspectTeacher(loaded, hub, assume);
  const { imageSize, channels } = teacher.architecture;
  if (
    config.data.preprocessing === 'auto' &&
    config.teacher.train === undefined &&
    teacher.assumed !== true &&
    teacher.told.preprocessing === undefined
  ) {
    const problem = teacher.told.preprocessingProblem;
    if (problem !== undefined) {
      fail({
        ...problem,
        next: `${problem.next ?? 'correct it'}; or say how images are prepared: ${ownWay}`,
      });
    }
    fail({
      reason: 'config-invalid',
      subject: `${loaded.file}: data.preprocessing`,
      found: 'auto, and nothing beside the checkpoint says how its images were prepared',
      expected:
        'a preset (timm, huggingface, torchvision, imagenet, half, unit) or resize, crop, mean and std',
      next: `${ownWay}; the run stops if another usual choice is clearly better`,
    });
  }
  const preprocessing = resolvePreprocessing(config.data.preprocessing, {
    imageSize,
    channels,
    recommended: teacher.told.preprocessing,
  });
  const warning =
    config.data.preprocessing === 'auto' ? undefined : preparationWarning(preprocessing, teacher.told);
  const data = await lookAtData(config.data, assume);
  const { listed, parts } = data;
  const trains = config.teacher.train !== undefined;
  const sources = splitSources(config.data.splits, new Set(parts.keys()), trains);
  const found: Omit<RunInputs, 'classes'> = {
    checkpointFiles: teacher.files,
    dataFiles: data.files,
    dataListing: listed === undefined ? null : await folderState(listed),
    dataAccount: [
      ...(listed?.account.lines ?? []),
      ...(listed?.account.warnings ?? []).map((warning) => `warning: ${warning}`),
      ...describeSources(sources),
    ],
    preprocessing,
  };
  if (teacher.assumed !== true) refuseEmbeddingsOfClassifier(loaded, teacher.architecture);
  const classes =
    data.classes === undefined || teacher.assumed === true
      ? assumedClasses(teacher.architecture, data.classes)
      : isClassifier(teacher.architecture)
        ? await resolveClasses(loaded, data.classes, {
            count: teacher.architecture.classes,
            labels: teacher.labels,
            labelFields: teacher.labelFields,
            trained: trains,
          })
        : await resolveOwnClasses(loaded, data.classes);
  requireSeveral(classes, loaded.file);
  const used = new Set(classes.folders);
  if (data.classes !== undefined)
    refuseTooFew(
      listed?.description ?? `${config.data.source} ${config.data.path ?? ''}`.trim(),
      sources,
      listed ? countParts(listed.items.filter(({ label }) => used.has(listed.classes[label]!))) : parts,
      trains,
    );
  const architecture = answering(teacher.architecture, config.teacher, classes);
  const textEmbeddings = await checkEmbeddings(loaded, architecture, classes);
  const warnings = [...(warning === undefined ? [] : [warning])];
  const inspected: InspectedCheckpoint[] = [];
  for (const other of others) inspected.push(await inspectOther(other, loaded.file, hub, assume));
  const inputs = {
    ...found,
    classes,
    ...(textEmbeddings && { textEmbeddings }),
    ...(inspected.length > 0 && { others: inspected }),
  };
  return { loaded, architecture, engine, precision, inputs, warnings };
}

type DataConfig = Config['data'];

/** What can be said of the data without decoding any; `classes` undefined where it is not there, and that may be. */
async function lookAtData(
  data: DataConfig,
  assume: Assume | undefined,
): Promise<{
  readonly listed?: ListedFolder | undefined;
  readonly files: readonly string[];
  readonly parts: ReadonlyMap<Origin, number>;
  readonly classes?: SourceClasses | undefined;
}> {
  try {
    if (data.source === 'folder' && data.path !== undefined) {
      const listed = await listFolder(data.path, data);
      const classes = { names: listed.classes, ordered: false, empty: listed.empty };
      return { listed, files: [], parts: countParts(listed.items), classes };
    }
    const isPacked = data.source !== 'folder' && drawnSource(data) === undefined;
    const files = isPacked ? await dataFiles(data) : [];
    const parts = await countImages(data);
    return { files, parts, classes: await sourceClasses(data) };
  } catch (error) {
    if (assume === undefined || !isMissing(error)) throw error;
    assume(
      `${shownPath(data.path ?? 'data.path')} is not there: as many images as the config asks for, and the teacher's classes`,
      { key: 'data.path', path: data.path ?? '' },
    );
    return { files: [], parts: assumedParts(data) };
  }
}

const ownWay = '--set data.preprocessing=NAME';

interface InspectedTeacher {
  readonly architecture: Architecture;
  readonly files: readonly string[];
  readonly told: Pick<Inspection, 'preprocessing' | 'preprocessingProblem'>;
  readonly labels: Inspection['classLabels'];
  readonly labelFields?: readonly string[];
  /** Not there: what its name says. */
  readonly assumed?: true;
}

async function inspectTeacher(
  { config }: LoadedConfig,
  hub: HubOptions,
  assume: Assume | undefined,
): Promise<InspectedTeacher> {
  const { checkpoint, architecture, hints, names, train, head } = config.teacher;
  if (checkpoint === undefined) {
    if (train === undefined) throw new Error('neither a checkpoint nor a training');
    return { architecture: train.architecture, files: [], told: {}, labels: () => undefined };
  }
  const inspection = await inspectCheckpoint(checkpoint, {
    architectureName: architecture,
    hints,
    names,
    hub,
    ...headReading(head),
  }).catch((error: unknown) => ({
    assumed: assumeCheckpoint(error, { checkpoint, architecture, hints }, 'teacher.checkpoint', assume),
  }));
  if ('assumed' in inspection) {
    const { assumed } = inspection;
    return {
      architecture: head !== undefined ? withoutHead(assumed.architecture) : assumed.architecture,
      files: [],
      told: assumed,
      labels: () => undefined,
      assumed: true,
    };
  }
  return {
    architecture: inspection.architecture,
    files: inspection.files,
    told: inspection,
    labels: inspection.classLabels,
    labelFields: inspection.classLabelFields,
  };
}

/** @throws BlockForgeError as `inspectCheckpoint`, with the key that names it */
async function inspectOther(
  other: OtherCheckpoint,
  file: string,
  hub: HubOptions,
  assume: Assume | undefined,
): Promise<InspectedCheckpoint> {
  const { key, checkpoint, architecture: architectureName, hints, names } = other;
  try {
    const inspection = await inspectCheckpoint(checkpoint, { architectureName, hints, names, hub });
    return { ...other, found: inspection.architecture, files: inspection.files, told: inspection };
  } catch (error) {
    if (!(error instanceof BlockForgeError)) throw error;
    if (assume !== undefined && isMissing(error) && architectureName !== undefined) {
      const assumed = assumeCheckpoint(error, other, `${key}.checkpoint`, assume);
      return { ...other, found: assumed.architecture, files: [], told: assumed };
    }
    const failure = renamed(error.failure, key);
    const place = failure.subject.startsWith(key) ? file : `${file}: ${key}`;
    return fail({ ...failure, subject: `${place}: ${failure.subject}` }, error);
  }
}

/** What a message calls the teacher's settings, as the settings of the checkpoint at `key`: `--set` reaches no place in a list. */
function renamed(failure: Failure, key: string): Failure {
  const own = (text: string): string =>
    text
      .replace(/--set teacher\.checkpoint=(\S+)/g, `${key}.checkpoint: $1`)
      // Not a part of a path.
      .replace(/(?<![\w/\\.-])teacher\.(?=architecture|checkpoint|hints|names)/g, `${key}.`);
  const { subject, found, expected, next } = failure;
  return {
    reason: failure.reason,
    subject: own(subject),
    found: own(found),
    ...(expected !== undefined && { expected: own(expected) }),
    ...(next !== undefined && { next: own(next) }),
  };
}
