/** What a block is fitted to, judged by and trained on (docs/design.md, refit and distillation). */
import { outputErrors, pairErrors, type OutputError } from '../compress/errors.ts';
import { composedProblems, type FitProblem } from '../compress/fit-problems.ts';
import type { BlockEvidence } from '../compress/order/criterion.ts';
import { collectPairs, createPairs, type StudentPairs } from '../compress/pairs.ts';
import { refit, type RefitOptions, type FittedFfn } from '../compress/refit.ts';
import { absoluteRidge, oracleShrinkage, type Ridge } from '../compress/ridge.ts';
import type { Targets } from '../compress/targets.ts';
import { effectiveShare, prefixProbability, type TokenWeights } from '../compress/token-weights.ts';
import { composedExamples } from '../distill/composed-examples.ts';
import type { Examples } from '../distill/examples.ts';
import { teacherExamples } from '../distill/teacher-examples.ts';
import type { TokenReader } from '../distill/token-batches.ts';
import { blockName } from '../model/architecture.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import type { Chain } from './chain.ts';

/** Of one block: the teacher's own (`teacherInputs`), or partly those of models compressed so far (`composedInputs`). */
export interface BlockInputs {
  /** Cuts the block to each width and gives it the best fc2, in the order of `widths`. */
  fit(units: Int32Array, widths: readonly number[], options: FitOptions): Promise<Fit>;
  /** On held-out tokens, of one student per width, in the same order. */
  errors(students: readonly FfnWeights[]): Promise<OutputError[]>;
  /** To train `students`, one per width, in the same order. Disposed by `close`. */
  examples(students: number, options: ExampleOptions): Promise<Examples>;
  /** Tells whoever comes after what the block's descendants are, widest first. */
  advance(descendants: readonly FfnWeights[]): Promise<void>;
  close(): Promise<void>;
}

export interface FitOptions {
  readonly ridge: Ridge;
  readonly method: RefitOptions['method'];
}

export interface Fit {
  readonly descendants: FittedFfn[];
  /** Tokens that carry the information of the fit: the weight of all over that of the average token. */
  readonly tokens: number;
}

export interface ExampleOptions {
  readonly batchTokens: number;
  readonly seed: number;
}

/** What both kinds of inputs need to know of the block. */
interface InputBlock {
  readonly block: number;
  readonly teacher: FfnWeights;
  readonly gelu: Gelu;
  /** Tokens of an image. */
  readonly sampled: number;
}

export interface TeacherSource extends InputBlock {
  readonly weights: () => Promise<TokenWeights>;
  readonly evidence: () => Promise<BlockEvidence>;
  /** Inputs [N, D] that neither fit nor training sees. */
  readonly heldOut: () => Promise<Float32Array>;
  readonly openTokens: () => Promise<TokenReader & { close(): Promise<void> }>;
}

/** The teacher's own inputs and outputs: blocks are independent of each other. What is not asked for is not read. */
export function teacherInputs(source: TeacherSource): BlockInputs {
  const { teacher, gelu, sampled } = source;
  const open: (() => Promise<void> | void)[] = [];
  return {
    async fit(units, widths, options) {
      const { statistics } = await source.evidence();
      const tokens = Math.round(statistics.count * effectiveShare(await source.weights(), sampled));
      return { descendants: fitWidths(teacher, { statistics }, units, widths, options), tokens };
    },
    async errors(students) {
      const options = { tokensPerImage: sampled, weights: await source.weights() };
      return outputErrors(teacher, students, await source.heldOut(), gelu, options);
    },
    async examples(students, options) {
      const tokens = await source.openTokens();
      open.push(() => tokens.close());
      const heldOut = await source.heldOut();
      const examples = teacherExamples({ teacher, students, tokens, heldOut, gelu, ...options });
      open.push(() => examples.dispose());
      return examples;
    },
    advance: () => Promise.resolve(),
    async close() {
      for (const end of open.splice(0).reverse()) await end();
    },
  };
}

export interface ComposedSource extends InputBlock {
  /** At this block. Closed with the inputs. */
  readonly chain: Chain;
  readonly weights: TokenWeights;
  /** Of the compressed model's activations; the rest are the teacher's. */
  readonly composedShare: number;
  /** After every batch that was looked at. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What models compressed so far show the block, at every level, and what restores the teacher's stream behind it. */
export function composedInputs(source: ComposedSource): BlockInputs {
  const { block, teacher, gelu, sampled, chain, weights, composedShare: ownShare } = source;
  const { streams, rowsOf, isHeldOut } = chain;
  /** One pass over all tokens serves fit and errors. */
  let observed: Promise<Observed> | undefined;
  const observe = (): Promise<Observed> => (observed ??= observeLevels(source));
  return {
    async fit(units, widths, options) {
      const { problems, tokens } = await observe();
      if (widths.length !== problems.length) {
        throw new RangeError(`${widths.length} widths at ${problems.length} levels of compression`);
      }
      const descendants = problems.flatMap((problem, level) =>
        fitWidths(teacher, problem, units, [widths[level]!], options),
      );
      return { descendants, tokens };
    },
    async errors(students) {
      const { heldOut } = await observe();
      return students.flatMap((student, level) => {
        const parts = [
          { pairs: heldOut.teacher, share: 1 - ownShare },
          { pairs: heldOut.own[level]!, share: ownShare },
        ];
        return pairErrors([student], parts, weights, gelu);
      });
    },
    async examples(students, options) {
      if (students !== streams.levels - 1) {
        throw new RangeError(`${students} students at ${streams.levels - 1} levels of compression`);
      }
      const { signal } = source;
      const pairs = await collectPairs(streams, block, { rowsOf, isHeldOut, sampled, signal });
      return composedExamples({
        ...pairs,
        ownShare,
        prefixTokens: weights.prefixTokens,
        prefixProbability: prefixProbability(weights, sampled),
        gelu,
        block: blockName(block),
        ...options,
      });
    },
    advance: (descendants) => chain.advance(block, descendants),
    close: () => chain.close(),
  };
}

interface Observed {
  readonly problems: readonly FitProblem[];
  readonly heldOut: StudentPairs;
  readonly tokens: number;
}

/** The fit problems of all levels, and the pairs of the images that are held out. */
async function observeLevels(source: ComposedSource): Promise<Observed> {
  const { block, sampled, chain, weights, composedShare: ownShare } = source;
  const { streams, rowsOf, isHeldOut } = chain;
  const heldOut = createPairs(streams, sampled);
  let tokens = 0;
  const problems = await composedProblems(
    streams,
    block,
    rowsOf,
    (batch) => !isHeldOut(batch),
    { sampled, weights, ownShare },
    (level, seen, batch) => {
      source.onProgress?.((batch + 1) / streams.batches.length);
      source.signal?.throwIfAborted();
      if (isHeldOut(batch)) heldOut.add(level, seen);
      else if (level === 0) tokens += seen.input.shape[0];
    },
  );
  return {
    problems,
    heldOut: heldOut.finish(),
    tokens: Math.round(tokens * effectiveShare(weights, sampled)),
  };
}

/** One factorisation serves all widths, but where the ridge depends on the kept set. */
function fitWidths(
  teacher: FfnWeights,
  { statistics, targets }: Pick<FitProblem, 'statistics'> & { readonly targets?: Targets },
  units: Int32Array,
  widths: readonly number[],
  { ridge, method }: FitOptions,
): FittedFfn[] {
  if (ridge !== 'oracle-shrinkage')
    return refit(teacher, statistics, units, widths, { ridge, method }, targets);
  const mean = absoluteRidge(statistics.covariance, teacher.hidden, 1);
  return widths.flatMap((width) => {
    const share = oracleShrinkage(statistics, units.subarray(0, width)) / mean;
    return refit(teacher, statistics, units, [width], { ridge: share, method }, targets);
  });
}
