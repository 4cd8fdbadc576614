import { createPairs } from '../compress/collect-pairs.ts';
import { type StudentPairs, composedExamples } from '../compress/composed-examples.ts';
import { visitLevels } from '../compress/streams.ts';
import { teacherExamples } from '../compress/teacher-examples.ts';
import { classProbability } from '../compress/token-weights.ts';
import { blockName } from '../model/architecture.ts';
import { readTokenWeights, sampledTokens } from './calibration.ts';
import { type OpenStreams, openStreams } from './open-streams.ts';
import { openTeacher } from './open.ts';
import { openTokens, readHeldOutTokens, readTeacherFfn } from './read.ts';
import type { Examples } from '../compress/examples.ts';
import type { Pairs } from '../compress/pairs.ts';
import type { JobContext } from '../runner/contract.ts';

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
export async function composedSource(
  context: JobContext,
  block: number,
  students: number,
): Promise<DistillSource> {
  const { config } = context.loaded;
  const { architecture } = context;
  const sampled = sampledTokens(config, architecture);
  const weights = await readTokenWeights(context, block);
  const model = await openTeacher(context);
  const streams = await openStreams(context, model, 'distill', block);
  const train = createPairs(1 + students, architecture.width, sampled);
  const heldOut = createPairs(1 + students, architecture.width, sampled);
  await visitLevels(streams, block, streams.rowsOf, (level, tokens, batch) => {
    context.signal.throwIfAborted();
    (streams.isHeldOut(batch) ? heldOut : train).add(level, tokens);
  });
  const pairsOf = ([teacher, ...own]: readonly Pairs[]): StudentPairs => ({ teacher, own });
  const pairs = pairsOf(train.finish());
  const examples = composedExamples({
    train: pairs,
    heldOut: pairsOf(heldOut.finish()),
    ownShare: config.inputs.composedShare,
    classProbability: classProbability(weights, sampled),
    gelu: architecture.gelu,
    batchTokens: config.distill.batchTokens,
    block: blockName(block),
    seed: config.seed,
  });
  return {
    examples,
    tokens: pairs.teacher.inputs.length / architecture.width,
    advance: streams.advance,
    async close() {
      await streams.close();
      model.dispose();
    },
  };
}
