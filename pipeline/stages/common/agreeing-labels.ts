import { matchLabels, type Label } from '../../../datasets/classes/match-labels.ts';
import { fail } from '../../util/failure.ts';
import { showValue } from '../../util/foreign-value.ts';
import type { NamedLabels } from './given-labels.ts';

/**
 * Of the lists of labels that are known of a teacher those that may name its classes, and what a reader should know.
 * `teacher.labels` must not contradict those beside the checkpoint; an order in the config goes before both, with a warning.
 * @param known as long as the teacher has outputs; what the user gave first
 * @param order the list of `data.classOrder`
 * @throws BlockForgeError `data-invalid` with the first differences
 */
export function agreeingLabels(
  known: readonly NamedLabels[],
  order: NamedLabels | undefined,
  { labelFields = [] }: { readonly labelFields?: readonly string[] | undefined },
): { readonly said: readonly NamedLabels[]; readonly notes: string[] } {
  if (order !== undefined) {
    const others = known.map((labels) => compareLabels(labels, order).differences);
    return {
      said: known.filter((_, index) => others[index]!.length === 0),
      notes: known.flatMap(({ from }, index) =>
        others[index]!.length === 0
          ? []
          : [`${from} say another order than ${order.from}, which counts: ${first(others[index]!)}`],
      ),
    };
  }
  const [given, own] = known;
  if (given === undefined || own === undefined) return { said: known, notes: [] };
  const { comparable, differences } = compareLabels(own, given);
  if (differences.length > 0) {
    const ownWrong =
      labelFields.length === 0
        ? ''
        : `, or, where those beside the checkpoint are wrong, teacher.hints: { ignoreFields: [${labelFields.join(', ')}] }`;
    fail({
      reason: 'data-invalid',
      subject: given.from,
      found: `${differences.length.toLocaleString('en')} outputs are called otherwise than by ${own.from}: ${first(differences)}`,
      expected: 'labels that agree, in the order of the outputs',
      next: `correct or remove ${given.from}${ownWrong}`,
    });
  }
  if (comparable) return { said: known, notes: [] };
  const note = `${given.from} could not be compared with ${own.from}: they have no name in common`;
  return { said: known, notes: [note] };
}

function first(differences: readonly string[]): string {
  return differences.slice(0, 3).join('; ') + (differences.length > 3 ? '; ...' : '');
}

/** Two lists of labels for the same outputs, beside each other. */
interface ComparedLabels {
  /** Whether any label of one is found in the other: WordNet ids and words say nothing of each other. */
  readonly comparable: boolean;
  /** Outputs that they call differently and that the other names elsewhere, in words. */
  readonly differences: readonly string[];
}

/**
 * Compares two lists of labels of the same teacher. Another word for an output (a translation, a nickname) is no
 * contradiction; a name that the other list has for another output is.
 */
function compareLabels(one: NamedLabels, other: NamedLabels): ComparedLabels {
  const attempts = [
    found(namesOf(one.labels), other.labels),
    found(descriptionsOf(one.labels), other.labels),
    found(namesOf(other.labels), one.labels).map((pair) => pair && ([pair[1], pair[0]] as const)),
  ];
  const pairs = attempts
    .map((attempt) => attempt.filter((pair) => pair !== undefined))
    .reduce((most, next) => (next.length > most.length ? next : most));
  const isSame = (index: number) => {
    const [mine, theirs] = [one.labels[index], other.labels[index]];
    if (mine === undefined || theirs === undefined) return false;
    const texts = [...namesOf([mine]), ...descriptionsOf([mine])];
    return (
      texts.some((text) => matchLabels([text], [theirs]).places[0] === 0) ||
      matchLabels([theirs.name], [mine]).places[0] === 0
    );
  };
  return {
    comparable: pairs.length > 0,
    differences: pairs
      .filter(([mine, theirs]) => mine !== theirs && !isSame(mine))
      .map(
        ([mine]) =>
          `output ${mine} is ${showValue(one.labels[mine]?.name)} there and ${showValue(other.labels[mine]?.name)} here`,
      ),
  };
}

/** Place of each name in its own list and among `labels`. */
function found(
  names: readonly string[],
  labels: readonly Label[],
): (readonly [mine: number, theirs: number] | undefined)[] {
  return matchLabels(names, labels).places.map((place, index) =>
    place === undefined ? undefined : [index, place],
  );
}

const namesOf = (labels: readonly Label[]) => labels.map(({ name }) => name);
const descriptionsOf = (labels: readonly Label[]) =>
  labels.map(({ name, description }) => description ?? name);
