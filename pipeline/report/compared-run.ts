import type { Interval } from '../measure/interval.ts';
import { measureNames, type MeasureKind } from '../measure/measure-names.ts';
import type { Sha256 } from '../util/hash.ts';
import type { Answers } from './answers.ts';
import type { Fact } from './page.ts';

/** Of the fact that tells teachers of one shape apart; `teachersWeights` makes it. */
export const weightsLabel = 'Teacher’s weights';

/** @param sha256 of the teacher's file of weights, as it was used */
export function teachersWeights(sha256: string): Fact {
  return { label: weightsLabel, value: `sha256 ${sha256.slice(0, 12)}` };
}

/** What a run of any method has measured of whole models, for reports and to set runs side by side. */
export interface ComparedRun {
  readonly name: string;
  readonly method: string;
  /** What may differ between runs: teacher, data, recipe, seed, engine. Equal ones are told once. */
  readonly facts: readonly Fact[];
  /** What its models were measured by; default: a classifier's most likely class. */
  readonly measure?: MeasureKind | undefined;
  readonly images: number;
  /** Of the split that the models were measured on, over ids, labels and contents: pairs need it to be the same. */
  readonly split: { readonly name: 'selection' | 'test'; readonly sha256: Sha256 };
  readonly confidence: number;
  readonly models: readonly ComparedModel[];
  /** What each model said of each image, by `ComparedModel.id`; absent in runs from before it was kept. */
  readonly answers?: Answers | undefined;
}

export interface ComparedModel {
  /** Key in `Answers.models`. */
  readonly id: string;
  /** For people, e.g. "uniform 70 %, distilled". */
  readonly label: string;
  /** What it is a kind of: the colour and shape of its points. */
  readonly kind:
    'teacher' | 'pruned' | 'refit' | 'distilled' | 'allocated' | 'random' | 'polished' | 'fused' | 'small';
  readonly params?: number | undefined;
  readonly macs?: number | undefined;
  readonly sizeBytes?: number | undefined;
  readonly latencyMs?: number | undefined;
  readonly top1Percent: Interval;
}

/** What the numbers of runs are called side by side: "top-1", or "k-NN top-1 or top-1" where they are measured by other things. */
export function comparedName(runs: readonly ComparedRun[]): string {
  return [...new Set(runs.map(({ measure }) => measureNames(measure).top1))].join(' or ');
}

/** The same at the head of a sentence. */
export function comparedTitle(runs: readonly ComparedRun[]): string {
  const { top1, Top1 } = measureNames(runs[0]?.measure);
  return comparedName(runs).replace(top1, Top1);
}
