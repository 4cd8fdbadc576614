import type { FittedHead } from '../../library/fitted-head.ts';
import type { BlockCost, Descendant, RankedPart } from '../../measure/descendant.ts';
import type { MeasureKind } from '../../measure/measure-names.ts';
import type { Interval } from '../../measure/interval.ts';
import type { FittedOn } from '../../recipe/fitted-on.ts';

/**
 * What a library says about itself, small enough to print: the JSON form of `show --json` and the source of the
 * final table. `readLibrarySummary` makes it, `renderSummary` draws it.
 *
 * Accuracies (`top1`, `agreement`) are percent of the images, differences are percentage points (`Pp`),
 * `kl` is in nats, `sparsity` is a share in [0, 1). Everything was measured on the selection split except `test`.
 */
export interface LibrarySummary {
  readonly engine: string;
  /** What `top1` and `kl` are (`kl` of features: 1 - cos); absent of classifiers. */
  readonly measure?: MeasureKind;
  readonly seed?: number;
  /** Images of the selection split. */
  readonly images?: number;
  /** What was fitted to how many images, in how many steps. */
  readonly fitted?: FittedOn;
  /** Splits whose images the teacher may have been trained on, which flatters every number on them. */
  readonly mayBeTrainedOn?: readonly ('selection' | 'test')[];
  /** What the other blocks were; deltas of descendants are averaged over these. Missing: the teacher's only. */
  readonly contexts?: readonly string[];
  readonly teacher: TeacherSummary;
  readonly blocks: readonly BlockSummary[];
  /** Whole models with the same sparsity in every block, measured, not predicted. */
  readonly uniform: readonly UniformSummary[];
  /** Widths chosen block by block, at no more FFN parameters than the uniform model of the same sparsity. */
  readonly allocated?: readonly AllocatedSummary[];
  /** The small model to look at first, as `library/recommended-model.ts` chooses it. */
  readonly recommended?: RecommendedSummary;
  /** How well the loss of a composition is predicted from its blocks; absent where that was not measured. */
  readonly prediction?: PredictionSummary;
  /** The final numbers on the test split, which nothing was chosen by. */
  readonly test?: {
    readonly images: number;
    readonly teacher: Accuracy;
    readonly uniform: readonly UniformSummary[];
    readonly allocated?: readonly AllocatedSummary[];
  };
}

export interface RecommendedSummary {
  readonly kind: 'uniform' | 'allocated';
  readonly sparsity: number;
  readonly params: number;
  /** On the selection split, by which it was chosen. */
  readonly top1DeltaPp: Interval;
  /** Its loss is tolerable even at the far end of the interval; else it is the best trade of loss for parameters. */
  readonly withinTolerance: boolean;
}

export interface TeacherSummary extends Accuracy {
  /** Where the run fitted its head to labels. */
  readonly fittedHead?: FittedHead;
  readonly images: number;
  readonly params?: number;
  readonly macs?: number;
}

export interface BlockSummary {
  /** `blockName(index)`. */
  readonly block: string;
  readonly descendants: readonly DescendantSummary[];
}

export interface DescendantSummary extends Descendant, BlockCost, Pick<RankedPart, 'rank'> {
  /** Paired difference to the teacher's block, averaged over the contexts. */
  readonly top1DeltaPp: Interval;
  /** The same in each context. */
  readonly byContext?: Readonly<Record<string, { readonly top1DeltaPp: Interval; readonly kl: number }>>;
  /** What it adds to the divergence of the model's class probabilities from the teacher's, averaged over the contexts. */
  readonly kl?: number;
  /** Percent of the images on which the most likely class is the teacher's, with all other blocks the teacher's. */
  readonly agreement?: number;
  /** Share of the refit's held-out error that distillation removed; negative if it made it worse. */
  readonly gainOverRefit?: number;
  /** True when another descendant of the block is at least as good in accuracy and in the resource, and better in one. */
  readonly dominated?: boolean;
}

export interface UniformSummary {
  readonly sparsity: number;
  readonly params?: number;
  readonly macs?: number;
  /** The units cut and nothing repaired; missing in older libraries. */
  readonly pruned?: Accuracy;
  readonly refit: Accuracy;
  /** Missing when distillation is off. */
  readonly distilled?: Accuracy;
  /** What each step gave: top-1 minus that of the step before, paired over the same images. */
  readonly gainsPp?: { readonly refit?: Interval | undefined; readonly distilled?: Interval | undefined };
}

export interface AllocatedSummary extends Accuracy {
  readonly sparsity: number;
  /** Hidden units by block. */
  readonly widths: readonly number[];
  readonly params?: number;
  readonly macs?: number;
  /** Top-1 minus that of the uniform model, paired over the same images. */
  readonly versusUniformPp: Interval;
}

/** Of random compositions, none of which the predictor was fitted on when it predicted them. */
export interface PredictionSummary {
  readonly compositions: number;
  readonly meanAbsoluteErrorPp: number | null;
  readonly maxAbsoluteErrorPp: number | null;
  readonly spearman: number | null;
  /** Mean error that so many images would show of a perfect prediction. */
  readonly imageNoisePp?: number;
}

export interface Accuracy {
  readonly top1: number;
  /** Interval of `top1`. */
  readonly top1Low?: number;
  readonly top1High?: number;
  /** Paired difference to the teacher on the same images. */
  readonly top1DeltaPp?: Interval;
  readonly kl?: number;
  readonly agreement?: number;
  /** To the teacher's feature, mean over the images; only of models that answer with features. */
  readonly cosine?: Interval;
}
