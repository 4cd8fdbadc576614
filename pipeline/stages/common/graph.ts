import type { JobPlan, PreparedWorker, Stage } from '../../runner/contract.ts';
import type { EngineName } from '../../tensor/engine.ts';
import {
  commonFiles,
  splitsJob,
  teacherCheckJob,
  teacherIndexJob,
  teacherJob,
  type BatchHandling,
  type ImageHandling,
} from './artefacts.ts';
import { checkEstimate, indexEstimate, modelEstimate, splitsEstimate } from './estimates.ts';
import type { PlanInput } from './plan-input.ts';
import { measureKindOf } from './answering.ts';
import { judgeFiles, reads, splitFiles, teacherFiles, wholeTeacherFiles } from './reads.ts';
import type { SplitsHandling, SplitsSettings } from './work/data.ts';
import type { CheckHandling, CheckSettings } from './work/check-teacher.ts';
import type { IndexHandling, IndexSettings } from './work/feature-index.ts';
import type { ModelHandling, ModelSettings } from './work/teacher.ts';

/** Where the run's images are. */
export function imageHandling({ loaded: { config } }: PlanInput): ImageHandling {
  return { images: { data: config.data, seed: config.seed } };
}

export function batchHandling(input: PlanInput): BatchHandling {
  return { ...imageHandling(input), batchSize: input.loaded.config.measure.batchSize };
}

/** The splits, drawn and proved disjoint. Stale when source, sizes, seed or image geometry change. */
export const data: Stage<PlanInput> = {
  name: 'data',
  version: 3,
  needsEngine: false,
  plan: (input) => {
    const { config } = input.loaded;
    const { crop, channels } = input.inputs.preprocessing;
    return [
      {
        id: splitsJob,
        needs: [],
        settings: {
          source: config.data.source,
          shapes: config.data.source === 'shapes' ? config.data.shapes : null,
          ...(config.data.source === 'products' && { products: config.data.products }),
          splits: config.data.splits,
          maxCorruptShare: config.data.maxCorruptShare,
          seed: config.seed,
          trains: config.teacher.train !== undefined,
          listing: input.inputs.dataListing,
          crop,
          channels,
          classes: input.inputs.classes.folders,
        } satisfies SplitsSettings,
        handling: {
          ...imageHandling(input),
          preprocessing: { ...input.inputs.preprocessing },
        } satisfies SplitsHandling,
        files: input.inputs.dataFiles,
        estimate: splitsEstimate(input),
      },
    ];
  },
  work: () => import('./work/data.ts'),
};

/** The teacher, imported or trained, and a check that it is worth compressing. */
export const teacher: Stage<PlanInput> = {
  name: 'teacher',
  version: 3,
  plan: (input) => {
    const { architecture, inputs, loaded } = input;
    const { teacher, seed, measure } = loaded.config;
    const { rule, notes } = inputs.classes;
    const kind = measureKindOf(input);
    const model: JobPlan = {
      id: teacherJob,
      ...reads(
        teacher.train !== undefined
          ? splitFiles(['train'])
          : typeof teacher.head === 'object'
            ? splitFiles(['calibration'])
            : {},
      ),
      settings: {
        hints: teacher.hints,
        ...(teacher.names !== undefined && { names: teacher.names }),
        architecture: { ...architecture },
        preprocessing: { ...inputs.preprocessing },
        subset: inputs.classes.subset,
        train: teacher.train === undefined ? null : { ...teacher.train, seed },
        ...(teacher.head !== undefined && {
          head: typeof teacher.head === 'string' ? teacher.head : { ridge: teacher.head.ridge, seed },
        }),
      } satisfies ModelSettings,
      handling: {
        ...imageHandling(input),
        checkpoint: teacher.checkpoint ?? null,
        architectureName: teacher.architecture ?? null,
      } satisfies ModelHandling,
      files: inputs.checkpointFiles,
      estimate: modelEstimate(input),
    };
    const check: JobPlan = {
      id: teacherCheckJob,
      ...reads({
        ...splitFiles(['selection'], commonFiles.classes),
        ...(inputs.classes.subset === null ? teacherFiles : wholeTeacherFiles),
        ...judgeFiles(input),
      }),
      settings: {
        confidence: measure.confidence,
        imported: teacher.train === undefined && typeof teacher.head !== 'object',
        subset: inputs.classes.subset,
        by: inputs.classes.by,
        ...(kind !== 'classes' && { kind }),
      } satisfies CheckSettings,
      handling: { ...batchHandling(input), rule, notes } satisfies CheckHandling,
      estimate: checkEstimate(input),
    };
    if (kind === 'classes') return [model, check];
    const index: JobPlan = {
      id: teacherIndexJob,
      ...reads({ ...splitFiles(['calibration']), ...teacherFiles }),
      settings: { kind, classes: inputs.classes.names.length } satisfies IndexSettings,
      handling: {
        ...batchHandling(input),
        textEmbeddings: inputs.textEmbeddings ?? null,
      } satisfies IndexHandling,
      files: inputs.textEmbeddings === undefined ? [] : [inputs.textEmbeddings],
      estimate: indexEstimate(input),
    };
    return [model, index, check];
  },
  work: () => import('./work/teacher.ts'),
};

/** Called once in every worker process, before its first job that needs an engine: only then one is imported. */
export async function prepareWorker(engine: EngineName): Promise<PreparedWorker> {
  const { loadEngine } = await import('../../tensor/engine.ts');
  const tf = await import('@tensorflow/tfjs-core');
  const { description } = await loadEngine(engine);
  return { engine: description, tensors: () => tf.memory().numTensors };
}
