import type { JobId } from '../../runner/contract.ts';

/** Names of jobs, of the files in their folders and what is in them: where one stage learns what another one wrote. */
export const targetsJob: JobId = 'targets/teacher';
export const partitionJob = (fleet: string): JobId => `partition/${fleet}`;
/** `model`: a name of `submodelName` or `baselineName`. */
export const sliceJob = (model: string): JobId => `slice/${model}`;
export const trainJob = (model: string): JobId => `train/${model}`;
/** Of methods that have them: the teacher of one sub-model, and all sub-models of a fleet trained together. */
export const teachJob = (model: string): JobId => `teach/${model}`;
export const ensembleJob = (fleet: string): JobId => `ensemble/${fleet}`;
export const fuseJob = (fleet: string): JobId => `fuse/${fleet}`;
export const profileJob = (fleet: string): JobId => `profile/${fleet}`;
export const packageJob = (fleet: string): JobId => `package/${fleet}`;
export const reportJob: JobId = 'report/test';

const twoDigits = (index: number): string => String(index).padStart(2, '0');
export const submodelName = (fleet: string, index: number): string => `${fleet}-${twoDigits(index)}`;
export type Baseline = 'total' | 'device';
/** A model that knows all classes, to compare with. */
export const baselineName = (fleet: string, kind: Baseline): string => `${fleet}-small-${kind}`;
/** Where the packages of a fleet are handed on. */
export const deploymentFolder = (fleet: string): string => `deployment-${fleet}`;

export const files = {
  learningTargets: 'learning.safetensors',
  selectionTargets: 'selection.safetensors',
  partition: 'partition.json',
  subset: (index: number) => `subset-${twoDigits(index)}.json`,
  model: 'model.safetensors',
  sliceReport: 'slice.json',
  history: 'history.json',
  /** Pooled features and logits of a trained sub-model. */
  features: (of: 'learning' | 'selection') => `${of}-features.safetensors`,
  fusion: 'fusion.safetensors',
  fusionReport: 'fusion.json',
  /** How good a sub-model's own teacher is beside the restricted one. */
  teachReport: 'teach.json',
  latency: 'latency.json',
  deployment: 'deployment.json',
  report: 'report.json',
  reportText: 'report.md',
} as const;

/** Where a sub-model is as it is handed on, with its features. A type, not an interface, so that it is JSON. */
export type Finished = {
  readonly job: JobId;
  readonly model: string;
  readonly learning: string;
  readonly selection: string;
};

/** A sub-model is finished by its own training, or by that of the whole fleet. */
export function finishedOf(
  fleet: { readonly name: string; readonly joint: boolean },
  { name, index }: { readonly name: string; readonly index: number },
): Finished {
  const [model, learning, selection] = [
    files.model,
    files.features('learning'),
    files.features('selection'),
  ] as const;
  if (!fleet.joint) return { job: trainJob(name), model, learning, selection };
  const own = (file: string): string => `${twoDigits(index)}-${file}`;
  return {
    job: ensembleJob(fleet.name),
    model: own(model),
    learning: own(learning),
    selection: own(selection),
  };
}
