import { lastBlockTokens, layerShapes, tokensPerImage, type Architecture } from '../model/architecture.ts';
import { modelCosts } from '../model/costs.ts';

export interface StepOf {
  readonly architecture: Architecture;
  /** Hidden units of every block, by student. */
  readonly hiddens: readonly (readonly number[])[];
  /** Images of a step that go through the students' own blocks, and of those that have the teacher's stream. */
  readonly own: number;
  readonly given: number;
  readonly lookahead: number;
}

/**
 * Multiply-adds of the products of a step, the fewest there can be: the teacher forward, and of every student the FFN forward and
 * backward by its weights; on its own stream also attention forward and, where gradients go back through it, attention and FFN backward
 * by their inputs. Attention weights have no gradients.
 */
export function stepMacs({ architecture, hiddens, own, given, lookahead }: StepOf): number {
  const { depth, width, classes } = architecture;
  const tokens = tokensPerImage(architecture);
  const lastTokens = lastBlockTokens(architecture);
  // q, k, v and the output projection of every token, scores and weighted sums; of the last block for the tokens that are read.
  const projections = (block: number) =>
    block < depth - 1 ? 4 * tokens * width ** 2 : (2 * tokens + 2 * lastTokens) * width ** 2;
  const scores = (block: number) => 2 * tokens * width * (block < depth - 1 ? tokens : lastTokens);
  const half = (block: number, hidden: number) => (block < depth - 1 ? tokens : lastTokens) * width * hidden;
  const blocks = Array.from({ length: depth }, (_, block) => block);
  const sum = (of: (block: number) => number): number =>
    blocks.reduce((total, block) => total + of(block), 0);

  const shapes = layerShapes(architecture);
  const unread =
    projections(0) - projections(depth - 1) + scores(0) - scores(depth - 1) +
    2 * (half(0, shapes[depth - 1]!.hidden) - half(depth - 1, shapes[depth - 1]!.hidden)); // prettier-ignore
  const teacher = modelCosts(architecture).macs - (depth > 1 ? unread : 0);
  const isBackward = lookahead > 0;
  const students = hiddens.map((hidden) => {
    const onTeacher = sum((block) => 5 * half(block, hidden[block]!));
    const ffns = sum((block) => (isBackward && block > 0 ? 6 : 5) * half(block, hidden[block]!));
    const attention = sum((block) =>
      block === 0 ? 0 : (isBackward ? 2 : 1) * projections(block) + (isBackward ? 3 : 1) * scores(block),
    );
    return own * (ffns + attention + 2 * lastTokens * width * classes) + given * onTeacher;
  });
  return (own + given) * teacher + students.reduce((total, macs) => total + macs, 0);
}
