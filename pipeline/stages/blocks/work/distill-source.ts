import { collectPairs } from '../../../compress/pairs.ts';
import { composedExamples } from '../../../distill/composed-examples.ts';
import { teacherExamples } from '../../../distill/teacher-examples.ts';
import { classProbability } from '../../../compress/token-weights.ts';
import { blockName } from '../../../model/architecture.ts';
import type { ImageHandling } from '../../common/artefacts.ts';
import { openTeacher, readTeacherInfo } from '../../common/open.ts';
import { sampledTokens, type Calibration, type ComposedInputs } from '../shape.ts';
import { readTokenWeights } from './calibration.ts';
import { type OpenStreams, openStreams } from './streams.ts';
import { openTokens, readHeldOutTokens, readTeacherFfn } from './read.ts';
import type { Examples } from '../../../distill/examples.ts';
import type { BlocksConfig } from '../schema.ts';
import type { JobContext } from '../../../runner/contract.ts';

/** Which block is trained on what. */
export type SourceSettings = {
  readonly block: number;
  /** Of the statistics. */
  readonly shards: number;
  readonly calibration: Calibration;
  /** Null: trained on the teacher's own inputs alone, or not at all. */
  readonly composed: ComposedInputs | null;
  readonly distill: BlocksConfig['distill'];
};

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
  { block, shards, distill, calibration }: SourceSettings,
  students: number,
): Promise<DistillSource> {
  const { width, gelu } = (await readTeacherInfo(context)).architecture;
  const tokens = await openTokens(context, { block, width, shards });
  const examples = teacherExamples({
    teacher: await readTeacherFfn(context, block),
    students,
    tokens,
    heldOut: await readHeldOutTokens(context, block, shards),
    gelu,
    batchTokens: distill.batchTokens,
    seed: calibration.seed,
  });
  return { examples, tokens: tokens.count, advance: () => Promise.resolve(), close: () => tokens.close() };
}

/** The pairs of all levels are gathered once, in memory, and drawn from for the whole training. */
export async function composedSource(
  context: JobContext,
  settings: SourceSettings & { readonly composed: ComposedInputs },
  { images }: ImageHandling,
  students: number,
): Promise<DistillSource> {
  const { block, calibration, composed, distill } = settings;
  const { signal } = context;
  const model = await openTeacher(context);
  const { architecture } = model;
  const sampled = sampledTokens(calibration, architecture);
  const weights = (await readTokenWeights(context, architecture.depth, sampled))[block]!;
  const streams = await openStreams(
    context,
    model,
    { chain: 'distill', block, levels: 1 + students, images: composed.images, calibration },
    images,
  );
  const { rowsOf, isHeldOut } = streams;
  const pairs = await collectPairs(streams, block, { rowsOf, isHeldOut, sampled, signal });
  const examples = composedExamples({
    ...pairs,
    ownShare: composed.composedShare,
    classProbability: classProbability(weights, sampled),
    gelu: architecture.gelu,
    batchTokens: distill.batchTokens,
    block: blockName(block),
    seed: calibration.seed,
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
