import { collectPairs } from '../../../compress/pairs.ts';
import { composedExamples } from '../../../distill/composed-examples.ts';
import { teacherExamples } from '../../../distill/teacher-examples.ts';
import { classProbability } from '../../../compress/token-weights.ts';
import { blockName } from '../../../model/architecture.ts';
import { readTokenWeights, sampledTokens } from './calibration.ts';
import { type OpenStreams, openStreams } from './streams.ts';
import { openTeacher } from './open.ts';
import { openTokens, readHeldOutTokens, readTeacherFfn } from './read.ts';
import type { Examples } from '../../../distill/examples.ts';
import type { JobContext } from '../../../runner/contract.ts';

/** What a block's descendants are trained on. */
export interface DistillSource {
  readonly examples: Examples;
  /** Tokens of one epoch. */
  readonly tokens: number;
  readonly advance: OpenStreams['advance'];
  readonly close: () => Promise<void>;
}

/** Teacher inputs alone, from the statistics stage's files. */
export async function teacherSource(
  context: JobContext,
  block: number,
  students: number,
): Promise<DistillSource> {
  const { config } = context.loaded;
  const tokens = await openTokens(context, block);
  const examples = teacherExamples({
    teacher: await readTeacherFfn(context, block),
    students,
    tokens,
    heldOut: await readHeldOutTokens(context, block),
    gelu: context.architecture.gelu,
    batchTokens: config.distill.batchTokens,
    seed: config.seed,
  });
  return { examples, tokens: tokens.count, advance: () => Promise.resolve(), close: () => tokens.close() };
}

/** The pairs of all levels are gathered once, in memory, and drawn from for the whole training. */
export async function composedSource(context: JobContext, block: number): Promise<DistillSource> {
  const { config } = context.loaded;
  const { architecture, signal } = context;
  const sampled = sampledTokens(config, architecture);
  const weights = (await readTokenWeights(context))[block];
  const model = await openTeacher(context);
  const streams = await openStreams(context, model, 'distill', block);
  const { rowsOf, isHeldOut } = streams;
  const pairs = await collectPairs(streams, block, { rowsOf, isHeldOut, sampled, signal });
  const examples = composedExamples({
    ...pairs,
    ownShare: config.inputs.composedShare,
    classProbability: classProbability(weights, sampled),
    gelu: architecture.gelu,
    batchTokens: config.distill.batchTokens,
    block: blockName(block),
    seed: config.seed,
  });
  return {
    examples,
    tokens: pairs.train.teacher.inputs.length / architecture.width,
    advance: streams.advance,
    async close() {
      await streams.close();
      model.dispose();
    },
  };
}
