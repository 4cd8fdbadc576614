import {
  blockTokens,
  blockWidth,
  hiddenUnits,
  lastBlockTokens,
  mixingMacs,
  type Architecture,
} from '../model/architecture.ts';
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
 * by their inputs. Attention weights have no gradients. A block of m matrices (2, with a gate 3) has m products forward and m for their
 * gradients, one for those of the hidden units, and m - 1 for those of its inputs.
 */
export function stepMacs({ architecture, hiddens, own, given, lookahead }: StepOf): number {
  const { depth, classes } = architecture;
  const last = depth - 1;
  const lastTokens = lastBlockTokens(architecture);
  const readShare = lastTokens / blockTokens(architecture, last);
  // q, k, v and the output projection of every token; of the last block queries and projection for the tokens that are read.
  const projections = (block: number) =>
    mixingMacs(architecture, block).projections * (block < last ? 1 : (1 + readShare) / 2);
  const scores = (block: number) => mixingMacs(architecture, block).scores * (block < last ? 1 : readShare);
  const matrices = architecture.gated === true ? 3 : 2;
  const half = (block: number, hidden: number) =>
    (block < last ? blockTokens(architecture, block) : lastTokens) * blockWidth(architecture, block) * hidden;
  const sum = (of: (block: number) => number): number =>
    Array.from({ length: depth }, (_, block) => of(block)).reduce((total, macs) => total + macs, 0);

  const whole = mixingMacs(architecture, last);
  const lastHidden = hiddenUnits(architecture)[last]!;
  const unread =
    whole.projections - projections(last) + whole.scores - scores(last) +
    matrices * (1 / readShare - 1) * half(last, lastHidden); // prettier-ignore
  const teacher = modelCosts(architecture).macs - (depth > 1 ? unread : 0);
  const isBackward = lookahead > 0;
  const byWeights = 2 * matrices + 1;
  const byBoth = byWeights + matrices - 1;
  const students = hiddens.map((hidden) => {
    const onTeacher = sum((block) => byWeights * half(block, hidden[block]!));
    const ffns = sum((block) => (isBackward && block > 0 ? byBoth : byWeights) * half(block, hidden[block]!));
    const attention = sum((block) =>
      block === 0 ? 0 : (isBackward ? 2 : 1) * projections(block) + (isBackward ? 3 : 1) * scores(block),
    );
    return (
      own * (ffns + attention + 2 * lastTokens * blockWidth(architecture, last) * classes) + given * onTeacher
    );
  });
  return (own + given) * teacher + students.reduce((total, macs) => total + macs, 0);
}
