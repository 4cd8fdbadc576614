import { createPairs } from '../compress/collect-pairs.ts';
import { composedProblems } from '../compress/composed-statistics.ts';
import { type OutputError, outputErrors, pairErrors } from '../compress/output-error.ts';
import { effectiveShare } from '../compress/token-weights.ts';
import { readTokenWeights, sampledTokens } from './calibration.ts';
import { type OpenStreams, openStreams } from './open-streams.ts';
import { openTeacher } from './open.ts';
import { readHeldOutTokens, readStatistics, readTeacherFfn } from './read.ts';
import type { BlockStatistics } from '../compress/statistics.ts';
import type { Targets } from '../compress/targets.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { JobContext } from '../runner/contract.ts';

/** What the refits of a block are fitted to and judged by, the same order as the widths. */
export interface FitSource {
  readonly problems: readonly { statistics: BlockStatistics; targets?: Targets }[];
  /** Tokens that carry the information of the fit: the weight of all over that of the average token. */
  readonly tokens: number;
  readonly errorOf: (weights: FfnWeights, index: number) => OutputError;
  readonly advance: OpenStreams['advance'];
  readonly close: () => Promise<void>;
}

/** Teacher inputs alone: one problem for all widths. */
export async function teacherFits(context: JobContext, block: number, widths: number): Promise<FitSource> {
  const { gelu } = context.architecture;
  const sampled = sampledTokens(context.loaded.config, context.architecture);
  const weights = (await readTokenWeights(context))[block];
  const statistics = await readStatistics(context, block);
  const teacher = await readTeacherFfn(context, block);
  const heldOut = await readHeldOutTokens(context, block);
  return {
    problems: Array.from({ length: widths }, () => ({ statistics })),
    tokens: Math.round(statistics.count * effectiveShare(weights, sampled)),
    errorOf: (student) =>
      outputErrors(teacher, [student], heldOut, gelu, { tokensPerImage: sampled, weights })[0],
    advance: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Half teacher inputs, half those of the chain of refits: a problem per width. */
export async function composedFits(context: JobContext, block: number): Promise<FitSource> {
  const { config } = context.loaded;
  const { gelu } = context.architecture;
  const sampled = sampledTokens(config, context.architecture);
  const weights = (await readTokenWeights(context))[block];
  const ownShare = config.inputs.composedShare;
  const model = await openTeacher(context);
  const streams = await openStreams(context, model, 'refit', block);
  const heldOut = createPairs(streams, sampled);
  let tokens = 0;
  const { problems } = await composedProblems(
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
    problems,
    tokens: Math.round(tokens * effectiveShare(weights, sampled)),
    errorOf: (student, index) =>
      pairErrors(
        [student],
        [
          { pairs: held.teacher, share: 1 - ownShare },
          { pairs: held.own[index], share: ownShare },
        ],
        weights,
        gelu,
      )[0],
    advance: streams.advance,
    async close() {
      await streams.close();
      model.dispose();
    },
  };
}
