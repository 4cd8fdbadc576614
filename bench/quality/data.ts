import { openBatches, type OpenSplit } from '../../datasets/batches.ts';
import { arrangeClasses } from '../../datasets/classes/arrange.ts';
import type { SplitItem } from '../../datasets/contract.ts';
import { makeSplits } from '../../datasets/splits.ts';
import { loadConfig } from '../../pipeline/config/load.ts';
import type { LoadedConfig } from '../../pipeline/config/loaded.ts';
import type { BlocksConfig } from '../../pipeline/stages/blocks/schema.ts';
import { blocks } from '../../pipeline/stages/methods.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { restrictClasses } from '../../pipeline/checkpoint/restrict-classes.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { openPreparer } from '../../datasets/open-preparer.ts';
import { preparePlanInput } from '../../pipeline/stages/common/plan-input.ts';
import { fail } from '../../pipeline/util/failure.ts';
import { random } from '../../pipeline/util/random.ts';
import type { QualityOptions } from './options.ts';

export interface QualityData {
  readonly loaded: LoadedConfig<BlocksConfig>;
  readonly architecture: Architecture;
  readonly teacher: HostWeights;
  readonly images: OpenSplit;
  readonly folds: readonly Fold[];
}

export interface Fold {
  /** Labels are never looked at. */
  readonly calibration: readonly SplitItem[];
  readonly evaluation: readonly SplitItem[];
}

export type DataOptions = Pick<QualityOptions, 'config' | 'set' | 'folds'> &
  Partial<
    Pick<QualityOptions, 'sparsities' | 'teacher' | 'engine' | 'calibrationImages' | 'evaluationImages'>
  >;

/** The config with one seed, its teacher, and its calibration and selection images cut into folds. Test images stay out. */
export async function openQualityData(options: DataOptions, seed?: number): Promise<QualityData> {
  const loaded = loadConfig(options.config, [blocks], {
    overrides: [
      ...options.set,
      ...(options.sparsities === undefined
        ? []
        : [`descendants.sparsities=[${options.sparsities.join(', ')}]`]),
      ...(seed === undefined ? [] : [`seed=${seed}`]),
    ],
  });
  const { config } = loaded;
  const { architecture, inputs } = await preparePlanInput(loaded, options.engine ?? config.engine);
  const checkpoint = options.teacher ?? config.teacher.checkpoint;
  if (checkpoint === undefined) {
    fail({
      reason: 'config-invalid',
      subject: `${loaded.file}: teacher`,
      found: 'it is trained by the run',
      expected: 'weights that are there already',
      next: 'run the pipeline up to its teacher stage, then give --teacher runs/NAME/.../teacher.safetensors',
    });
  }
  const inspection = await inspectCheckpoint(checkpoint, {
    architectureName: config.teacher.architecture,
    hints: config.teacher.hints,
  });
  const preparer = await openPreparer(config, inputs.preprocessing, (message) => console.error(message));
  const { items } = await makeSplits(arrangeClasses(preparer.source, inputs.classes.folders), config.data, {
    seed: config.seed,
    needTrain: config.teacher.train !== undefined,
    preparer,
  });
  const all = random(config.seed, 'quality', 'folds').shuffle([...items.calibration, ...items.selection]);
  const { subset } = inputs.classes;
  const weights = await readTeacher(inspection);
  const folds =
    options.folds === 1
      ? [{ calibration: items.calibration, evaluation: items.selection }]
      : cutFolds(all, options.folds);
  return {
    loaded,
    architecture,
    teacher:
      subset === null ? weights : restrictClasses(weights, inspection.architecture, subset.indices).weights,
    images: openBatches(all, preparer),
    folds: folds.map(({ calibration, evaluation }) => ({
      calibration: calibration.slice(0, options.calibrationImages),
      evaluation: evaluation.slice(0, options.evaluationImages),
    })),
  };
}

/** Every part is evaluated once, after calibration on all the others. */
export function cutFolds<Item>(
  items: readonly Item[],
  count: number,
): { calibration: Item[]; evaluation: Item[] }[] {
  if (count < 2 || count > items.length) throw new RangeError(`${items.length} images in ${count} folds`);
  return Array.from({ length: count }, (_, fold) => {
    const from = Math.floor((fold * items.length) / count);
    const to = Math.floor(((fold + 1) * items.length) / count);
    return {
      calibration: [...items.slice(0, from), ...items.slice(to)],
      evaluation: items.slice(from, to),
    };
  });
}
