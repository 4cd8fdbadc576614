import type { JobId } from '../../runner/contract.ts';

/** Names of jobs, of the files in their folders and what is in them: where one stage learns what another one wrote. */
export const targetsJob: JobId = 'targets/teacher';
export const partitionJob = (fleet: string): JobId => `partition/${fleet}`;
/** `model`: a name of `submodelName` or `baselineName`. */
export const sliceJob = (model: string): JobId => `slice/${model}`;
export const trainJob = (model: string): JobId => `train/${model}`;
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
  latency: 'latency.json',
  deployment: 'deployment.json',
  report: 'report.json',
  reportText: 'report.md',
} as const;
