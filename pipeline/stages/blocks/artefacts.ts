import type { JobId } from '../../runner/contract.ts';
import { blockName } from '../../model/architecture.ts';

/** Names of jobs and of the files in their folders: the one place where a stage learns what another one wrote. */
export const splitsJob: JobId = 'data/splits';
export const teacherJob: JobId = 'teacher/model';
export const teacherCheckJob: JobId = 'teacher/check';
export const statisticsJob = (shard: number): JobId => `statistics/shard-${shard}`;
export const classShareJob: JobId = 'statistics/class-share';
export const orderJob = (block: number): JobId => `order/${blockName(block)}`;
export const refitJob = (block: number): JobId => `refit/${blockName(block)}`;
export const distillJob = (block: number): JobId => `distill/${blockName(block)}`;
export const measureJob = (shard: number): JobId => `measure/shard-${shard}`;
export const composeJob = (shard: number): JobId => `compose/shard-${shard}`;
/** `percent`: of hidden units removed in every block, e.g. 50 or 62.5. */
export const polishJob = (percent: number): JobId => `polish/uniform-${percent}`;
export const profileJob: JobId = 'profile/latency';
export const rankJob: JobId = 'rank/library';
export const exportJob: JobId = 'export/library';
export const reportJob: JobId = 'report/test';

export const files = {
  splits: 'splits.json',
  teacher: 'teacher.safetensors',
  history: 'history.json',
  check: 'teacher.json',
  statistics: (block: number) => `${blockName(block)}.safetensors`,
  classShare: 'class-share.json',
  tokens: (block: number) => `${blockName(block)}.tokens.f32`,
  heldOutTokens: (block: number) => `${blockName(block)}.heldout.f32`,
  order: 'order.safetensors',
  descendants: 'descendants.safetensors',
  descendantsInfo: 'descendants.json',
  scores: 'scores.safetensors',
  compositions: 'compositions.json',
  polished: 'polished.json',
  latency: 'latency.json',
  ranking: 'ranking.json',
  report: 'report.json',
  reportText: 'report.md',
} as const;

/** `[0, 1, ..., count - 1]` */
export function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The part of `count` items that shard `shard` of `shards` works on: contiguous, sizes differ by at most one. */
export function shardRange(count: number, shard: number, shards: number): { start: number; end: number } {
  return { start: Math.floor((count * shard) / shards), end: Math.floor((count * (shard + 1)) / shards) };
}

/** The number behind `statistics/shard-3` or `distill/block-03`. */
export function jobIndex(id: JobId): number {
  const digits = /(\d+)$/.exec(id);
  if (digits === null) throw new Error(`job ${id} has no index`);
  return Number(digits[1]);
}
