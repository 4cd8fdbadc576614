import type { LabelMatch } from '../../../datasets/classes/match-labels.ts';
import { fail } from '../../util/failure.ts';
import { showValue } from '../../util/foreign-value.ts';
import type { NamedLabels } from './given-labels.ts';

/** "all exactly", or "37 exactly, 3 by a synonym ("Tinca_tinca" is "tench, Tinca tinca", ...)" */
export function describeRules(names: readonly string[], { labels }: NamedLabels, match: LabelMatch): string {
  const all = match.rules.size === 1 && match.places.every((place) => place !== undefined);
  const told = [...match.rules].map(([rule, count]) => {
    const found = `${all ? 'all' : count} ${rule}`;
    if (rule === 'exactly' || rule === 'by WordNet id') return found;
    const pairs = names.flatMap((name, index) =>
      match.ways[index] === rule
        ? [`${showValue(name)} is ${showValue(labels[match.places[index]!]?.name)}`]
        : [],
    );
    return `${found} (${pairs.slice(0, 3).join(', ')}${pairs.length > 3 ? ', ...' : ''})`;
  });
  return told.join(', ');
}

/**
 * Classes of the data that are not among the teacher's labels, or could be several of them.
 * @throws BlockForgeError `data-invalid`, always: the first of them, and what may be done
 */
export function refuseUnmatched(
  names: readonly string[],
  { labels, from }: NamedLabels,
  match: LabelMatch,
  facts: {
    readonly ordered: boolean;
    readonly count: number;
    readonly trained: boolean;
    readonly file: string;
  },
): never {
  const { ordered, count, trained } = facts;
  const unclear = new Set(match.ambiguous.flatMap((group) => group.names));
  const absent = names.filter((name, index) => match.places[index] === undefined && !unclear.has(name));
  const found = [
    ...(absent.length > 0
      ? [`${absent.length} of the data's ${names.length} classes are none of the labels: ${first(absent)}`]
      : []),
    ...match.ambiguous.slice(0, 3).map((group) => {
      const meant = group.labels.slice(0, 4).map((index) => `${index} ${showValue(labels[index]?.name)}`);
      return `${first(group.names)} may be label ${meant.join(' or ')}`;
    }),
    ...(absent.length + unclear.size === 0
      ? [`${names.length} classes in the data, ${count} in the teacher`]
      : []),
  ];
  const file =
    'teacher.labels: FILE with the folder names, labels or WordNet ids of all outputs in their order';
  return fail({
    reason: 'data-invalid',
    subject: `${facts.file}: classes`,
    found: found.join('; '),
    expected: `each class of the data to be one of ${from}: ${first(labels.map(({ name }) => name))}`,
    next:
      absent.length === 0 && !trained
        ? `name the folders apart, or give ${file}`
        : names.length === count
          ? `${file}; or --set data.classOrder=${ordered ? 'numbers' : names.every((name) => /^\d+$/.test(name)) ? 'natural' : 'code-unit'} where ${ordered ? "the data's numbers" : 'the sorted folders'} are the outputs in their order, whatever they are called`
          : match.rules.size > 0
            ? 'rename those folders, or data.classes: [NAME, ...] with the classes to use'
            : `give ${file}`,
  });
}

function first(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(showValue).join(', ');
  return names.length > 3 ? `${shown}, ...` : shown;
}
