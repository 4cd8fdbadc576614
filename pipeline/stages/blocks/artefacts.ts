import type { AdditivityReport, MeasuredComposition, Predictor } from '../../measure/predict-compositions.ts';
import type { AllocatedComposition, WidthChoice, MeasuredAllocation } from '../../measure/allocations.ts';
import type { Context } from '../../measure/contexts.ts';
import type { Descendant, MeasuredPart } from '../../measure/descendant.ts';
import type { Interval } from '../../measure/interval.ts';
import type { Measured, MeasuredUniform } from '../../measure/measured.ts';
import type { Ranked } from '../../measure/rank.ts';
import type { DistillationGain } from '../../distill/distillation-gain.ts';
import { blockName } from '../../model/architecture.ts';
import type { JobId } from '../../runner/contract.ts';

/** Names of jobs, of the files in their folders and what is in them: where one stage learns what another one wrote. */
export const statisticsJob = (shard: number): JobId => `statistics/shard-${shard}`;
export const classShareJob: JobId = 'statistics/class-share';
export const orderJob = (block: number): JobId => `order/${blockName(block)}`;
/** Of some widths of every block (`shardsOf`). */
export const refitJob = (shard: number): JobId => `refit/shard-${shard}`;
export const distillJob = (shard: number): JobId => `distill/shard-${shard}`;
export const measureJob = (shard: number): JobId => `measure/shard-${shard}`;
export const compositionsJob = (shard: number): JobId => `compositions/shard-${shard}`;
/** `percent`: of hidden units removed in every block, e.g. 50 or 62.5. */
export const polishJob = (percent: number): JobId => `polish/uniform-${percent}`;
export const profileJob: JobId = 'profile/latency';
export const rankJob: JobId = 'rank/library';
export const exportJob: JobId = 'export/library';
export const reportJob: JobId = 'report/test';

/** Whose descendants: those of refits, or the final ones. */
export type MadeBy = 'refit' | 'distill';
export const makingJob = { refit: refitJob, distill: distillJob } as const;

export const files = {
  statistics: (block: number) => `${blockName(block)}.safetensors`,
  classShare: 'class-share.json',
  heldOutTokens: (block: number) => `${blockName(block)}.heldout.f32`,
  order: 'order.safetensors',
  /** Those of the job's widths, named by width. */
  descendants: (block: number) => `${blockName(block)}.safetensors`,
  descendantsFile: 'descendants.json',
  history: 'history.json',
  scores: 'scores.safetensors',
  compositions: 'compositions.json',
  /** Of a polished model, named by block. */
  polishedBlocks: 'blocks.safetensors',
  polished: 'polished.json',
  latency: 'latency.json',
  ranking: 'ranking.json',
  report: 'report.json',
  reportText: 'report.md',
} as const;

/** By block, the class token's share of the squared gradient; null where all tokens count the same. */
export interface ClassShareFile {
  readonly classShare: readonly number[] | null;
  readonly images?: number;
}

/** The records of the descendants of a job's widths, as far as refit or distill know them. */
export interface DescendantsFile<Known extends Descendant> {
  /** By block: widest first. */
  readonly blocks: readonly (readonly Known[])[];
  /** That their training made. */
  readonly steps?: number | undefined;
}

/** Both empty when a width failed: then not every model can be made. */
export interface CompositionsFile {
  readonly random: readonly WidthChoice[];
  /** Like those that are chosen out of the library, at budgets all over the range. */
  readonly chosen: readonly WidthChoice[];
  /** Candidates: for each sparsity one for every kind of costs, if it is a model of its own. */
  readonly allocated: readonly AllocatedComposition[];
}

/** A uniform model before and after polishing, on the selection split. */
export interface Polished {
  readonly sparsity: number;
  readonly width: number;
  readonly before: Measured;
  readonly after: Measured;
  /** After minus before, paired over the same images. */
  readonly gainPp: Interval;
  /** Of the training, per step. */
  readonly losses: readonly number[];
}

/** Every measured number, and the order they lead to. */
export interface RankingFile {
  readonly teacher: Measured;
  /** The models whose blocks were exchanged one by one, the teacher first. */
  readonly contexts: readonly (Context & { readonly measured: Measured })[];
  /** By id; the teacher's own blocks, which save nothing, have no place in the ranking. */
  readonly descendants: Readonly<
    Record<string, { readonly measured: MeasuredPart; readonly ranked: Ranked | null }>
  >;
  readonly uniform: readonly MeasuredUniform[];
  readonly allocated: readonly MeasuredAllocation[];
  /** Null without random compositions: none were asked for, or a block failed. */
  readonly additivity: AdditivityReport | null;
  readonly predictor: Predictor | null;
  readonly compositions: readonly (MeasuredComposition & { readonly widths: readonly number[] })[];
}

/** The final numbers, on images that nothing was chosen by. */
export interface TestReport {
  /** Images of the test split; 0 when the config asks for none, and then nothing else is here. */
  readonly images: number;
  readonly teacher?: Measured;
  readonly uniform?: readonly MeasuredUniform[];
  readonly allocated?: readonly MeasuredAllocation[];
  /** End-to-end distilled uniform models, by sparsity; only where the config asks for them. */
  readonly polished?: readonly { readonly sparsity: number; readonly measured: Measured }[];
  /** Of the calibration images, not the test split: what the training gained over its time; absent where there was none. */
  readonly distillation?: DistillationGain;
  /** Of the library's manifest: which library these numbers belong to. */
  readonly manifestSha256: string;
}
