import { readFile, stat } from 'node:fs/promises';
import { fail } from '../util/failure.ts';
import { isRecord, showValue } from '../util/foreign-value.ts';
import { numberedLines } from './numbered-lines.ts';
import { pythonAsJson } from './python-as-json.ts';
import { byIndex, cleanLabel, huggingfaceLabels, timmLabels, type ClassLabels } from './class-labels.ts';

/** Twenty thousand WordNet labels with all their synonyms are 2 MB. */
const maxBytes = 16e6;

/**
 * The labels in a file, in the order of a teacher's outputs: a text with one a line, or JSON: a list, a table from index to
 * label or from label to index, or a config with `id2label` or `label_names`; Python's way to write these. Somebody else's file: bounded, and every label one line of text.
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
    value = JSON.parse(pythonAsJson(text) ?? text);
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
  const turned = fromNames(value, path);
  if (turned !== undefined) return { names: turned };
  // Keras' imagenet_class_index.json: {"0": ["n01440764", "tench"], ...}
  const pairs = Object.entries(value).map(([index, label]) => [
    index,
    Array.isArray(label) && label.length === 2 ? label.map(String).join(' ') : label,
  ]);
  return { names: byIndex(Object.fromEntries(pairs) as Record<string, unknown>, path) };
}

/** class_to_idx: {"cat": 0, "dog": 1}, whose numbers are the places of their names. */
function fromNames(table: Readonly<Record<string, unknown>>, path: string): string[] | undefined {
  const entries = Object.entries(table);
  if (entries.length === 0 || !entries.every(([, index]) => typeof index === 'number')) return undefined;
  const both = entries.every(([name]) => /^\d{1,9}$/.test(name) && Number(name) < entries.length);
  if (both && entries.some(([name, index]) => Number(name) !== index)) {
    refuse(
      path,
      'numbers for numbers',
      'labels that are words, or a list of them in the order of the outputs',
    );
  }
  const turned = Object.fromEntries(entries.map(([name, index]) => [String(index), name]));
  if (Object.keys(turned).length < entries.length)
    refuse(path, 'an index that two names have', 'an index for each');
  return byIndex(turned, path);
}

/** Lines of text; a blank one inside would be a class nobody meant. */
function fromLines(text: string, path: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  lines.forEach((line, index) => {
    if (line.trim() === '') refuse(`${path}:${index + 1}`, 'an empty line', 'a label on every line');
  });
  const labels = numberedLines(lines, path) ?? lines;
  return labels.map((line, index) => cleanLabel(line.replace(/\t/g, ' '), `${path}:${index + 1}`));
}

function refuse(subject: string, found: string, expected: string): never {
  return fail({ reason: 'file-invalid', subject, found, expected, next: 'correct the file' });
}
