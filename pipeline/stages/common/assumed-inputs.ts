import type { Origin } from '../../../datasets/contract.ts';
import type { SourceClasses } from '../../../datasets/open.ts';
import { displayPath } from '../../config/problem.ts';
import type { Config } from '../../config/schema.ts';
import { namedArchitecture } from '../../checkpoint/architectures.ts';
import { refuseName } from '../../checkpoint/look-up-architecture.ts';
import type { ArchitectureHints } from '../../checkpoint/inspect.ts';
import { isClassifier, type Architecture } from '../../model/architecture.ts';
import { BlockForgeError } from '../../util/failure.ts';
import type { Preprocessing } from '../../../datasets/contract.ts';
import { indices } from './artefacts.ts';
import type { ModelClasses } from './classes.ts';

/** A file or folder that is not there. */
export interface MissingInput {
  /** The setting that names it, e.g. `data.path`. */
  readonly key: string;
  /** As the setting has it, made absolute. */
  readonly path: string;
  /** What it was taken to be, where a name of an architecture said it. */
  readonly architecture?: string | undefined;
}

/** Told what a plan does without, a sentence, and what a run would need. Only plans may do without anything. */
export type Assume = (sentence: string, missing?: MissingInput) => void;

/** Classes of ImageNet-1k, which models of published names are taken to have. */
const publishedClasses = 1000;

/** What a checkpoint that is not there would say, by the name of its architecture. */
export interface AssumedCheckpoint {
  readonly architecture: Architecture;
  readonly preprocessing?: Preprocessing;
}

/** Whether a plan may go on without what `error` misses: a file, a folder, a download. */
export function isMissing(error: unknown): error is BlockForgeError {
  if (!(error instanceof BlockForgeError)) return false;
  return ['file-missing', 'download-failed'].includes(error.failure.reason);
}

/**
 * @param key the setting that names the checkpoint, which ends in `checkpoint`
 * @throws `error` where no name says what the checkpoint is; BlockForgeError `config-invalid` for a name that is not known
 */
export function assumeCheckpoint(
  error: unknown,
  {
    checkpoint,
    architecture: name,
    hints = {},
  }: { checkpoint: string; architecture?: string | undefined; hints?: ArchitectureHints | undefined },
  key: string,
  assume: Assume | undefined,
): AssumedCheckpoint {
  if (assume === undefined || name === undefined || !isMissing(error)) throw error;
  const named =
    namedArchitecture(name) ?? refuseName(`${key.slice(0, -'checkpoint'.length)}architecture`, name);
  const { heads, layerNormEpsilon, gelu, imageSize } = hints;
  const architecture: Architecture = {
    ...named.facts,
    channels: 3,
    classes: publishedClasses,
    ...(heads !== undefined && { heads }),
    ...(layerNormEpsilon !== undefined && { layerNormEpsilon }),
    ...(gelu !== undefined && { gelu }),
    ...(imageSize !== undefined && { imageSize }),
  };
  assume(
    `${shownPath(checkpoint)} is not there: its sizes are those of ${name}, ${
      named.headless === true
        ? 'without a classifier'
        : `with ${publishedClasses.toLocaleString('en')} classes`
    }`,
    { key, path: checkpoint, architecture: name },
  );
  const { preprocessing } = named;
  return {
    architecture,
    ...(preprocessing && { preprocessing: { ...preprocessing, crop: architecture.imageSize, channels: 3 } }),
  };
}

/** The parts that a source of its kind has, and those that a config names. */
export function assumedParts({ source, splits }: Config['data']): ReadonlyMap<Origin, number> {
  const asked = [splits.calibration, splits.selection, splits.test].map((split) =>
    typeof split === 'number' ? { images: split } : split,
  );
  const images = asked.reduce((sum, split) => sum + split.images, 0);
  const usual: readonly Origin[] = source === 'folder' ? ['train', 'val'] : ['train', 'test'];
  const named = asked.flatMap((split) =>
    'from' in split && split.from !== undefined && split.from !== 'all' ? [split.from] : [],
  );
  return new Map([...new Set([...usual, ...named])].map((part) => [part, images] as const));
}

/**
 * Classes by number, as many as the teacher has, or ImageNet-1k where it answers with features; those of the data where that is there
 * and the teacher is not.
 */
export function assumedClasses(architecture: Architecture, source?: SourceClasses): ModelClasses {
  const isNamed = isClassifier(architecture);
  const names = source?.names ?? indices(isNamed ? architecture.classes : publishedClasses).map(String);
  const own = isNamed ? "the teacher's, assumed" : 'as many as ImageNet-1k has, assumed';
  return {
    folders: names,
    names,
    subset: null,
    by: 'numbers',
    rule: source === undefined ? own : "the data's, assumed to be the teacher's",
    notes: [],
  };
}

/** From a variable that is not set, or from here. */
export function shownPath(path: string): string {
  const variable = path.search(/\$[A-Za-z_]/);
  return variable < 0 ? displayPath(path, process.cwd()) : path.slice(variable);
}
