import { createPairs } from '../../../compress/pairs.ts';
import { composedProblems } from '../../../compress/fit-problems.ts';
import { type OutputError, outputErrors, pairErrors } from '../../../compress/errors.ts';
import { refit, type RefitOptions, type RefittedDescendant } from '../../../compress/refit.ts';
import { effectiveShare } from '../../../compress/token-weights.ts';
import type { ImageHandling } from '../../common/artefacts.ts';
import { openTeacher, readTeacherInfo } from '../../common/open.ts';
import { sampledTokens, type Calibration, type ComposedInputs, type Descent } from '../shape.ts';
import { readTokenWeights } from './calibration.ts';
import { type OpenStreams, openStreams } from './streams.ts';
import { readStatistics } from './read.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import type { JobContext } from '../../../runner/contract.ts';

/** Which block is fitted on what; composed inputs or none but the teacher's. */
export type FitSettings = {
  readonly block: number;
  /** Of the statistics. */
  readonly shards: number;
  readonly steps: readonly Descent[];
  readonly calibration: Calibration;
  /** Null: fitted to the teacher's own inputs and outputs alone. */
  readonly composed: ComposedInputs | null;
};

/** What the refits of a block are fitted to and judged by. */
export interface FitSource {
  /** A descendant of the teacher's block for each width, in their order. */
  readonly fit: (units: Int32Array, widths: readonly number[], options: RefitOptions) => RefittedDescendant[];
  /** Of one student per width, in the same order. */
  readonly errors: (students: readonly FfnWeights[]) => OutputError[];
  /** Tokens that carry the information of the fit: the weight of all over that of the average token. */
  readonly tokens: number;
  readonly advance: OpenStreams['advance'];
  readonly close: () => Promise<void>;
}

/** Teacher inputs alone: one factorisation serves all widths. */
export async function teacherFits(
  context: JobContext,
  { block, shards, calibration }: FitSettings,
  teacher: FfnWeights,
  heldOut: Float32Array,
): Promise<FitSource> {
  const { architecture } = await readTeacherInfo(context);
  const { gelu, depth } = architecture;
  const tokensPerImage = sampledTokens(calibration, architecture);
  const weights = (await readTokenWeights(context, depth, tokensPerImage))[block]!;
  const statistics = await readStatistics(context, block, shards);
  return {
    fit: (units, widths, options) => refit(teacher, statistics, units, widths, options),
    errors: (students) => outputErrors(teacher, students, heldOut, gelu, { tokensPerImage, weights }),
    tokens: Math.round(statistics.count * effectiveShare(weights, tokensPerImage)),
    advance: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Half teacher inputs, half those of the chain of refits: a problem per width. */
export async function composedFits(
  context: JobContext,
  settings: FitSettings & { readonly composed: ComposedInputs },
  { images }: ImageHandling,
  teacher: FfnWeights,
): Promise<FitSource> {
  const { block, calibration, composed, steps } = settings;
  const model = await openTeacher(context);
  const { gelu, depth } = model.architecture;
  const sampled = sampledTokens(calibration, model.architecture);
  const weights = (await readTokenWeights(context, depth, sampled))[block]!;
  const ownShare = composed.composedShare;
  const streams = await openStreams(
    context,
    model,
    { chain: 'refit', block, levels: 1 + steps.length, images: composed.images, calibration },
    images,
  );
  const heldOut = createPairs(streams, sampled);
  let tokens = 0;
  const problems = await composedProblems(
    streams,
    block,
    streams.rowsOf,
    (batch) => !streams.isHeldOut(batch),
    { sampled, weights, ownShare },
    (level, seen, batch) => {
      context.progress({ fraction: (0.9 * (batch + 1)) / streams.batches.length });
      context.signal.throwIfAborted();
      if (streams.isHeldOut(batch)) heldOut.add(level, seen);
      else if (level === 0) tokens += seen.input.shape[0];
    },
  );
  const held = heldOut.finish();
  return {
    fit: (units, widths, options) =>
      widths.flatMap((width, index) => {
        const { statistics, targets } = problems[index]!;
        return refit(teacher, statistics, units, [width], options, targets);
      }),
    errors: (students) =>
      students.flatMap((student, index) => {
        const parts = [
          { pairs: held.teacher, share: 1 - ownShare },
          { pairs: held.own[index]!, share: ownShare },
        ];
        return pairErrors([student], parts, weights, gelu);
      }),
    tokens: Math.round(tokens * effectiveShare(weights, sampled)),
    advance: streams.advance,
    async close() {
      await streams.close();
      model.dispose();
    },
  };
}
