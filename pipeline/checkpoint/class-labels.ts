import { fail } from '../util/failure.ts';
import { isRecord, showValue } from '../util/foreign-value.ts';

/** What the teacher's outputs are called, in their order. */
export interface ClassLabels {
  readonly names: readonly string[];
  /** What else is said of each, e.g. the synonyms of a WordNet id. */
  readonly descriptions?: readonly string[];
}

/** More outputs or a longer name than any classifier has. */
const maxLabels = 200_000;
const maxLength = 2000;

/**
 * A label as it is shown and matched: trimmed, single spaces.
 * @param place file and place of the label, for the message
 * @throws BlockForgeError `file-invalid` for what is no text of one line: names reach terminals, tables and web pages
 */
export function cleanLabel(value: unknown, place: string): string {
  if (typeof value === 'string' || typeof value === 'number') {
    const text = String(value).trim().replace(/ +/g, ' ');
    // Control characters, line ends, and what changes the direction of the text around it.
    const odd = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Cs}/u.test(text);
    if (text !== '' && text.length <= maxLength && !odd) return text;
  }
  return refuse(place, showValue(value), `a class label: one line of text without control characters`);
}

/**
 * `id2label` and `label2id` of a Hugging Face config; undefined without them, or where they hold placeholders (`LABEL_0`).
 * @throws BlockForgeError `file-invalid` for indices with gaps, and for two tables that contradict each other
 */
export function huggingfaceLabels(
  { id2label, label2id }: Readonly<Record<string, unknown>>,
  path: string,
): ClassLabels | undefined {
  const named = isRecord(id2label) ? byIndex(id2label, `${path}, id2label`) : undefined;
  const indexed = isRecord(label2id) ? byName(label2id, `${path}, label2id`) : undefined;
  // What was left as transformers fills it in tells nothing, and contradicts nothing.
  if (named === undefined || named.every(isPlaceholder)) {
    return indexed === undefined ? undefined : { names: byIndex(indexed, `${path}, label2id`) };
  }
  for (const [index, label] of Object.entries(indexed ?? {})) {
    if (named[Number(index)] === label) continue;
    refuse(
      path,
      `label2id says that ${showValue(label)} is class ${index}, id2label that it is ${showValue(named[Number(index)])}`,
      'two tables that agree',
    );
  }
  return { names: named };
}

/**
 * `label_names` (older files: `labels`) and `label_descriptions` of a timm config, or of its `pretrained_cfg`; else
 * `id2label`, as transformers' TimmWrapper keeps them.
 * @throws BlockForgeError `file-invalid`
 */
export function timmLabels(
  config: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
  path: string,
): ClassLabels | undefined {
  const labels = config.label_names ?? config.labels ?? given.label_names ?? given.labels;
  const names = isRecord(labels) ? byIndex(labels, `${path}, label_names`) : listed(labels, path);
  if (names === undefined || names.length === 0) return huggingfaceLabels(config, path);
  const told = config.label_descriptions ?? given.label_descriptions;
  if (!isRecord(told)) return { names };
  const descriptions = names.map((name) =>
    Object.hasOwn(told, name) ? cleanLabel(told[name], `${path}, label_descriptions["${name}"]`) : name,
  );
  return { names, descriptions };
}

function listed(labels: unknown, path: string): string[] | undefined {
  if (!Array.isArray(labels)) return undefined;
  if (labels.length > maxLabels) refuse(path, `${labels.length} labels`, `at most ${maxLabels}`);
  return labels.map((label, index) => cleanLabel(label, `${path}, label_names[${index}]`));
}

/**
 * A table from index to label, as a list.
 * @throws BlockForgeError `file-invalid` where the indices are not 0, 1, 2, ...
 */
export function byIndex(table: Readonly<Record<string, unknown>>, place: string): string[] {
  const entries = Object.entries(table);
  const labels: string[] = [];
  if (entries.length > maxLabels) refuse(place, `${entries.length} labels`, `at most ${maxLabels}`);
  for (const [key, label] of entries) {
    const index = /^\d{1,9}$/.test(key) ? Number(key) : -1;
    if (index < 0 || index >= entries.length || labels[index] !== undefined) {
      refuse(
        place,
        `the index ${showValue(key)} among ${entries.length}`,
        `the indices 0 to ${entries.length - 1}`,
      );
    }
    labels[index] = cleanLabel(label, `${place}["${key}"]`);
  }
  return labels;
}

/** The other way round, without placeholders; undefined where nothing is left. */
function byName(table: Readonly<Record<string, unknown>>, place: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const [label, index] of Object.entries(table)) {
    if (isPlaceholder(label)) continue;
    const key = String(typeof index === 'number' || typeof index === 'string' ? index : showValue(index));
    if (Object.hasOwn(labels, key)) {
      refuse(place, `${showValue(labels[key])} and ${showValue(label)} are both ${key}`, 'an index for each');
    }
    labels[key] = cleanLabel(label, place);
  }
  return Object.keys(labels).length === 0 ? undefined : labels;
}

function isPlaceholder(label: string): boolean {
  return /^LABEL_\d+$/.test(label);
}

function refuse(subject: string, found: string, expected: string): never {
  const next = 'correct it, or say the labels with teacher.labels: FILE';
  return fail({ reason: 'file-invalid', subject, found, expected, next });
}
