import type { Label } from '../../../datasets/classes/match-labels.ts';
import { cleanLabel, type ClassLabels } from '../../checkpoint/class-labels.ts';
import { readLabelFile } from '../../checkpoint/label-file.ts';
import type { Config } from '../../config/schema.ts';

/** A teacher's labels in the order of its outputs, and where they come from. */
export interface NamedLabels {
  readonly labels: readonly Label[];
  /** For messages: a setting with its file. */
  readonly from: string;
}

export function labelsOf({ names, descriptions }: ClassLabels, from: string): NamedLabels {
  return { from, labels: names.map((name, index) => ({ name, description: descriptions?.[index] })) };
}

/** `teacher.labels`. @throws BlockForgeError `file-missing`, `file-invalid` */
export function givenLabels(setting: Config['teacher']['labels']): Promise<NamedLabels | undefined> {
  return readLabels(setting, 'teacher.labels');
}

/** `data.classOrder`: a rule, or the data's classes in the teacher's order. @throws as `givenLabels` */
export async function givenOrder({
  classOrder,
  classFile,
}: Config['data']): Promise<NamedLabels | 'code-unit' | 'natural' | 'numbers' | undefined> {
  if (classFile !== undefined) return readLabels(classFile, 'data.classFile');
  if (typeof classOrder === 'object') return readLabels(classOrder, 'data.classOrder');
  return classOrder === 'file' ? undefined : classOrder;
}

/** A list in the config, or the file that it names. */
export async function readLabels(
  setting: string | readonly string[] | undefined,
  key: string,
): Promise<NamedLabels | undefined> {
  if (setting === undefined) return undefined;
  if (typeof setting === 'string') return labelsOf(await readLabelFile(setting, key), `${key} (${setting})`);
  return labelsOf({ names: setting.map((name, index) => cleanLabel(name, `${key}[${index}]`)) }, key);
}

/**
 * What people call the classes at `places`: of several lists of labels the first that says more than a WordNet id.
 * @param lists as long as the teacher has outputs; at least one
 */
export function displayNames(
  places: readonly number[],
  lists: readonly (NamedLabels | undefined)[],
): string[] {
  const names = lists.flatMap((list) => (list === undefined ? [] : [list.labels.map(displayName)]));
  return places.map((place) => {
    const called = names.flatMap((list) => list[place] ?? []);
    return called.find((name) => !/^n\d{8}$/i.test(name)) ?? called[0] ?? String(place);
  });
}

/** "n01440764 tench, Tinca tinca" -> "tench, Tinca tinca" */
function displayName({ name, description }: Label): string {
  if (/^n\d{8}$/i.test(name)) return description ?? name;
  return name.replace(/^n\d{8}[\s,:=-]+(?=\S)/i, '');
}

/** Names that only number their classes: "0", "1", ... or "class_1", "class_2", ... */
export function isNumbering(names: readonly string[]): boolean {
  const numbers = names.map((name) => /^(?:class|label)?[\s_-]*(\d{1,9})$/i.exec(name)?.[1]);
  const first = Number(numbers[0] ?? NaN);
  return first <= 1 && numbers.every((number, index) => Number(number ?? NaN) === first + index);
}
