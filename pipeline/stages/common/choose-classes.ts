import { matchLabels } from '../../../datasets/classes/match-labels.ts';
import type { Config } from '../../config/schema.ts';
import { fail } from '../../util/failure.ts';
import { showValue } from '../../util/foreign-value.ts';
import { readLabels, type NamedLabels } from './given-labels.ts';

/**
 * The classes of the data that `data.classes` names, by the data's names or the teacher's labels for them, in the data's
 * order; all of them where it names none.
 * @param count of the teacher's outputs, for the message
 * @throws BlockForgeError `data-invalid` for a name that no class has, `file-missing` and `file-invalid` for its file
 */
export async function chooseClasses(
  names: readonly string[],
  setting: Config['data']['classes'],
  labels: NamedLabels | undefined,
  count: number,
): Promise<{ readonly names: readonly string[]; readonly left: readonly string[] }> {
  const chosen = await readLabels(setting, 'data.classes');
  if (chosen === undefined) return { names, left: [] };
  const places = labels && matchLabels(names, labels.labels).places;
  const described = names.map((name, index) => {
    const label = labels?.labels[places?.[index] ?? -1];
    return { name, description: label?.description ?? label?.name };
  });
  const asked = chosen.labels.map(({ name }) => name);
  const repeated = asked.find((name, index) => asked.indexOf(name) < index);
  if (repeated !== undefined) {
    fail({
      reason: 'data-invalid',
      subject: chosen.from,
      found: `${showValue(repeated)} is repeated`,
      expected: 'every class once',
      next: 'remove it where it stands a second time',
    });
  }
  const match = matchLabels(asked, described);
  const missing = asked.filter((_, index) => match.places[index] === undefined);
  if (missing.length > 0) {
    const list = chosen.labels.length === count && names.length < count;
    fail({
      reason: 'data-invalid',
      subject: chosen.from,
      found: `${missing.length.toLocaleString('en')} of its ${asked.length.toLocaleString('en')} names are no class of the data, or more than one: ${missing.slice(0, 3).map(showValue).join(', ')}`,
      expected: `some of the data's ${names.length.toLocaleString('en')} classes: ${names.slice(0, 3).map(showValue).join(', ')}, ...`,
      next: list
        ? `teacher.labels: FILE, if these are the labels of the teacher's ${count.toLocaleString('en')} outputs`
        : 'correct the names, or remove data.classes to take every class of the data',
    });
  }
  const kept = new Set(match.places);
  return {
    names: names.filter((_, index) => kept.has(index)),
    left: names.filter((_, index) => !kept.has(index)),
  };
}
