import { readFile, stat } from 'node:fs/promises';
import { fail } from '../util/failure.ts';
import { isRecord, showValue } from '../util/foreign-value.ts';
import { byIndex, cleanLabel, huggingfaceLabels, timmLabels, type ClassLabels } from './class-labels.ts';

/** Twenty thousand WordNet labels with all their synonyms are 2 MB. */
const maxBytes = 16e6;

/**
 * The labels in a file, in the order of a teacher's outputs: a text with one a line, or JSON: a list, a table from index to
 * label, or a config with `id2label` or `label_names`. Somebody else's file: bounded, and every label one line of text.
 * @param setting the config's key that names it, for messages
 * @throws BlockForgeError `file-missing`, `file-invalid`
 */
export async function readLabelFile(path: string, setting: string): Promise<ClassLabels> {
  const text = await readText(path, setting);
  const labels = /^\s*[[{]/.test(text) ? fromJson(text, path) : { names: fromLines(text, path) };
  if (labels.names.length === 0) refuse(path, 'no labels', 'one label a line, or JSON');
  return labels;
}

async function readText(path: string, setting: string): Promise<string> {
  try {
    const found = await stat(path);
    if (!found.isFile())
      refuse(path, found.isDirectory() ? 'a folder' : 'no file', `a file of labels (${setting})`);
    if (found.size > maxBytes)
      refuse(path, `${found.size} bytes`, `a list of labels, at most ${maxBytes} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const next = `correct ${setting}; a relative path is relative to the config file`;
      return fail({ reason: 'file-missing', subject: path, found: 'no such file', next }, error);
    }
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return refuse(path, 'bytes that are no UTF-8', 'text in UTF-8');
    if (code === 'EACCES' || code === 'EPERM')
      return refuse(path, `it cannot be read (${code})`, 'a readable file');
    throw error;
  }
}

function fromJson(text: string, path: string): ClassLabels {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(
      path,
      `not JSON (${(error as Error).message})`,
      'a list of labels, or a table from index to label',
    );
  }
  if (Array.isArray(value)) {
    return { names: value.map((label, index) => cleanLabel(label, `${path}, [${index}]`)) };
  }
  if (!isRecord(value))
    return refuse(path, showValue(value), 'a list of labels, or a table from index to label');
  const inner = isRecord(value.pretrained_cfg) ? value.pretrained_cfg : value;
  const known =
    'id2label' in value || 'label2id' in value
      ? huggingfaceLabels(value, path)
      : timmLabels(value, inner, path);
  if (known !== undefined) return known;
  // Keras' imagenet_class_index.json: {"0": ["n01440764", "tench"], ...}
  const pairs = Object.entries(value).map(([index, label]) => [
    index,
    Array.isArray(label) && label.length === 2 ? label.map(String).join(' ') : label,
  ]);
  return { names: byIndex(Object.fromEntries(pairs) as Record<string, unknown>, path) };
}

/** Lines of text; a blank one inside would be a class nobody meant. */
function fromLines(text: string, path: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const labels = lines.map((line, index) => {
    if (line.trim() === '') refuse(`${path}:${index + 1}`, 'an empty line', 'a label on every line');
    return cleanLabel(line.replace(/\t/g, ' '), `${path}:${index + 1}`);
  });
  return withoutNumbers(labels, path);
}

/**
 * "0 daisy", "1 rose": the labels alone, where every line is numbered.
 * @throws BlockForgeError `file-invalid` where the numbers say another order than the lines'
 */
function withoutNumbers(labels: readonly string[], path: string): string[] {
  const parts = labels.map((label) => /^(\d{1,9})\s*[\s:,;=|]\s*(\S.*)$/.exec(label));
  const numbers = parts.map((part) => Number(part?.[1] ?? NaN));
  const sorted = [...numbers].sort((a, b) => a - b);
  const first = sorted[0]!;
  if (!(first <= 1) || sorted.some((number, index) => number !== first + index)) return [...labels];
  const wrong = numbers.findIndex((number, index) => number !== first + index);
  if (wrong >= 0) {
    refuse(
      `${path}:${wrong + 1}`,
      `the label numbered ${numbers[wrong]} on line ${wrong + 1}`,
      "the labels in the order of their numbers, which is that of the teacher's outputs",
    );
  }
  return parts.map((part, index) => part?.[2] ?? labels[index]!);
}

function refuse(subject: string, found: string, expected: string): never {
  return fail({ reason: 'file-invalid', subject, found, expected, next: 'correct the file' });
}
