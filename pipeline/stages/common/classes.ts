import { inFolderOrder } from '../../../datasets/classes/folder-order.ts';
import { matchLabels } from '../../../datasets/classes/match-labels.ts';
import type { SourceClasses } from '../../../datasets/open.ts';
import type { LoadedConfig } from '../../config/loaded.ts';
import type { ClassLabels } from '../../checkpoint/class-labels.ts';
import { fail } from '../../util/failure.ts';
import { showValue } from '../../util/foreign-value.ts';
import { indices } from './artefacts.ts';
import { agreeingLabels } from './agreeing-labels.ts';
import { chooseClasses } from './choose-classes.ts';
import {
  displayNames,
  givenLabels,
  givenOrder,
  isNumbering,
  labelsOf,
  type NamedLabels,
} from './given-labels.ts';
import { describeRules, refuseUnmatched } from './unmatched-classes.ts';

/** A part of a teacher: some of its classes, whose logits alone count. */
export type Subset = {
  /** Classes of the whole teacher. */
  readonly of: number;
  /** Place of each class of the part among them, ascending. */
  readonly indices: readonly number[];
};

/** Which class is which: everything that follows numbers them as the teacher does. */
export type ModelClasses = {
  /** What the data calls them, in the model's order. */
  readonly folders: readonly string[];
  /** What people call them: the teacher's labels where those are known, else the data's names. */
  readonly names: readonly string[];
  /** Null where the model has all of the teacher's classes. */
  readonly subset: Subset | null;
  /** What the order comes from. */
  readonly by: 'labels' | 'folders' | 'numbers' | 'config';
  /** In words. */
  readonly rule: string;
  /** What a reader of the plan should know beside it. */
  readonly notes: readonly string[];
};

/** Which class is which, in sentences. */
export function describeOrder({ names, rule, notes }: ModelClasses): string[] {
  return [
    `${names.length.toLocaleString('en')} classes: ${rule}`,
    ...notes.map((note) => `warning: ${note}`),
  ];
}

export interface TeacherOutputs {
  readonly count: number;
  /** The labels beside the checkpoint. @throws BlockForgeError */
  readonly labels: () => ClassLabels | undefined;
  /** The fields that say them, as `teacher.hints.ignoreFields` names them. */
  readonly labelFields?: readonly string[] | undefined;
  /** Trained here: the outputs are what the data has. */
  readonly trained: boolean;
}

/**
 * Which class of the data is which output of the teacher: by name where labels are known, else by a rule that is said.
 * Reads files of labels.
 * @throws BlockForgeError `data-invalid` where classes and labels do not fit, with the first that do not
 */
export async function resolveClasses(
  { config, file }: Pick<LoadedConfig, 'config' | 'file'>,
  source: SourceClasses,
  teacher: TeacherOutputs,
): Promise<ModelClasses> {
  const order = await givenOrder(config.data);
  const given = await givenLabels(config.teacher.labels);
  const own = ownLabels(teacher, given === undefined && order === undefined);
  const labels = typeof order === 'object' ? order : order === undefined ? (given ?? own) : undefined;
  for (const known of [given, typeof order === 'object' ? order : undefined, labels]) {
    if (known !== undefined) refuseOtherCount(known, teacher.count);
  }
  const fitting = [given, own].flatMap((known) => (known?.labels.length === teacher.count ? [known] : []));
  const { said, notes } = agreeingLabels(fitting, typeof order === 'object' ? order : undefined, teacher);
  const { names, left } = await chooseClasses(
    source.names,
    config.data.classes,
    labels ?? given ?? own,
    teacher.count,
  );
  if (left.length > 0) {
    notes.push(`${left.length} classes of the data are left out (data.classes): ${few(left)}`);
  }
  const named = labels && byLabels(names, labels, source, teacher, file);
  if (named !== undefined) {
    const { places, rule } = named;
    const subset = subsetOf(places, teacher);
    if (subset !== null) notes.push(partNote(subset));
    const sorted = indices(names.length).sort((a, b) => places[a]! - places[b]!);
    return {
      folders: sorted.map((index) => names[index]!),
      names: displayNames(
        sorted.map((index) => places[index]!),
        typeof order === 'object' ? [...said, order] : said,
      ),
      subset,
      by: typeof order === 'object' ? 'config' : 'labels',
      rule,
      notes,
    };
  }
  return byOrder(names, typeof order === 'string' ? order : undefined, source, teacher, {
    said,
    notes,
    file,
  });
}

/** As `resolveClasses`, where the teacher names none: its classes are the data's, all that `data.classes` leaves. */
export async function resolveOwnClasses(
  loaded: Pick<LoadedConfig, 'config' | 'file'>,
  source: SourceClasses,
): Promise<ModelClasses> {
  const { names } = await chooseClasses(
    source.names,
    loaded.config.data.classes,
    undefined,
    source.names.length,
  );
  const teacher = { count: names.length, labels: () => undefined, trained: true };
  const found = await resolveClasses(loaded, source, teacher);
  return { ...found, rule: found.rule.replace("the teacher's outputs 0, 1, 2, ...", 'classes 0, 1, 2, ...') };
}

/**
 * Of one class every answer is right: nothing can be measured, and no head fitted.
 * @throws BlockForgeError `data-invalid`
 */
export function requireSeveral({ names }: Pick<ModelClasses, 'names'>, file: string): void {
  if (names.length !== 1) return;
  fail({
    reason: 'data-invalid',
    subject: `${file}: data`,
    found: `one class, ${showValue(names[0])}`,
    expected: 'two classes at least: of one every answer is right, and nothing is measured',
    next: 'data.path: a folder with a folder for each class; data.classes, where it is set, names several',
  });
}

/** Damaged labels stop only who needs them. */
function ownLabels({ labels }: TeacherOutputs, needed: boolean): NamedLabels | undefined {
  try {
    const found = labels();
    return found && labelsOf(found, 'the labels beside the checkpoint');
  } catch (error) {
    if (needed) throw error;
    return undefined;
  }
}

/** The place of each class among the labels; undefined where these labels say nothing of the data. */
function byLabels(
  names: readonly string[],
  labels: NamedLabels,
  source: SourceClasses,
  { count, trained }: TeacherOutputs,
  file: string,
): { readonly places: readonly number[]; readonly rule: string } | undefined {
  const match = matchLabels(names, labels.labels);
  const places = match.places.filter((place) => place !== undefined);
  if (places.length === names.length && (!trained || places.length === count)) {
    return { places, rule: `matched by name to ${labels.from}: ${describeRules(names, labels, match)}` };
  }
  if (places.length === 0 && match.ambiguous.length === 0 && names.length === count) {
    // The data tells numbers, or the labels do: they do not contradict each other.
    if (source.ordered && isNumbering(names)) {
      return {
        places: indices(count),
        rule: `the data's numbers are the outputs, which ${labels.from} name`,
      };
    }
    if (isNumbering(labels.labels.map(({ name }) => name))) return undefined;
  }
  return refuseUnmatched(names, labels, match, { ordered: source.ordered, count, file, trained });
}

function byOrder(
  found: readonly string[],
  order: 'code-unit' | 'natural' | 'numbers' | undefined,
  { ordered, empty = [] }: SourceClasses,
  { count }: TeacherOutputs,
  {
    said,
    notes,
    file,
  }: { said: readonly (NamedLabels | undefined)[]; notes: readonly string[]; file: string },
): ModelClasses {
  const names = ordered ? found : inFolderOrder(found, order === 'natural' ? 'natural' : 'code-unit');
  const how = order === 'natural' ? 'naturally and without case' : 'by code units';
  const rule = ordered
    ? "the data's own numbers are the teacher's outputs"
    : `folders sorted ${how} are the teacher's outputs 0, 1, 2, ...`;
  if (names.length !== count) refuseCount(names.length, count, rule, file, empty);
  const labels = said.find((known) => known !== undefined);
  const match = labels && matchLabels(names, labels.labels);
  const other = match?.places.findIndex((place, index) => place !== undefined && place !== index) ?? -1;
  const contradicted =
    other < 0
      ? []
      : [
          `data.classOrder says that ${JSON.stringify(names[other])} is output ${other}; ${labels?.from ?? ''} would say ${match?.places[other] ?? ''}`,
        ];
  return {
    folders: names,
    // Names that contradict the order name other things.
    names: other >= 0 || labels === undefined ? names : displayNames(indices(count), said),
    subset: null,
    by: order === undefined ? (ordered ? 'numbers' : 'folders') : 'config',
    rule,
    notes: [...notes, ...contradicted],
  };
}

function subsetOf(places: readonly number[], { count }: TeacherOutputs): Subset | null {
  return places.length === count ? null : { of: count, indices: [...places].sort((a, b) => a - b) };
}

const partNote = ({ of, indices: places }: Subset) =>
  `the model is a part of the teacher: ${places.length} of its ${of.toLocaleString('en')} classes, and logits are restricted to them`;

function refuseOtherCount({ labels, from }: NamedLabels, count: number): void {
  if (labels.length === count) return;
  fail({
    reason: 'data-invalid',
    subject: from,
    found: `${labels.length.toLocaleString('en')} labels${labels.length === count + 1 ? `, the first of them ${showValue(labels[0]?.name)}: the name of a column?` : ''}`,
    expected: `${count.toLocaleString('en')}, one for each output of the teacher, in their order`,
    next: "give the teacher's own list with teacher.labels: FILE; data.classes: FILE names a part of the data's classes",
  });
}

function refuseCount(
  found: number,
  count: number,
  rule: string,
  file: string,
  empty: readonly string[],
): never {
  return fail({
    reason: 'data-invalid',
    subject: `${file}: data`,
    found:
      `${found} classes in the data, ${count} in the teacher` +
      (empty.length === 0 ? '' : `; the data has no image of ${few(empty)}`),
    expected: `as many (${rule}), or labels to find them by`,
    next:
      found > count && empty.length === found - count
        ? 'remove the folders without images, or name the classes to use: data.classes: [NAME, ...]'
        : found < count
          ? `teacher.labels: FILE with the teacher's ${count} labels or WordNet ids, one a line: the ${found} classes are found among them by name`
          : 'data.classes: [NAME, ...] with the classes to use, or data.path: another folder',
  });
}

function few(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => JSON.stringify(name));
  return names.length > shown.length ? `${shown.join(', ')}, ...` : shown.join(', ');
}
