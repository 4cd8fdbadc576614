import { isAbsolute, relative, sep } from 'node:path';
import { fail } from '../util/failure.ts';
import { oneLine } from '../util/printable.ts';

/** Where a value was written: a file with line and column (from 1), or a command-line option as it was typed. */
export interface Place {
  /** Absolute path of a file, or an option such as `--set seed=x`. */
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
  /** What relative paths written here are relative to. */
  readonly folder: string;
}

export type KeyPath = readonly (string | number)[];

export interface Problem {
  readonly place: Place;
  readonly path: KeyPath;
  readonly message: string;
}

/** "descendants.sparsities[1]" */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}

/** A key may be as long as its file. */
function cut(key: string): string {
  return key.length > 120 ? `${key.slice(0, 117)}...` : key;
}

/** The shorter way to name a file: relative to `cwd` when it is below it. */
export function displayPath(path: string, cwd: string): string {
  if (!isAbsolute(path)) return path;
  const fromCwd = relative(cwd, path);
  return fromCwd === '' || fromCwd === '..' || fromCwd.startsWith(`..${sep}`) ? path : fromCwd;
}

/** "configs/x.yaml:3:5 distill.duration: message", the form editors turn into a link. */
export function formatProblem({ place, path, message }: Problem, cwd: string): string {
  return `${subjectOf({ place, path }, cwd)}: ${message}`;
}

function subjectOf({ place, path }: Pick<Problem, 'place' | 'path'>, cwd: string): string {
  const where = displayPath(place.source, cwd);
  const position = place.line === undefined ? '' : `:${place.line}:${place.column ?? 1}`;
  return path.length === 0
    ? `${where}${position}`
    : `${where}${position}${position === '' ? ', ' : ' '}${cut(oneLine(formatPath(path)))}`;
}

/** Nobody mends more before trying again. */
const shown = 50;

/** @throws BlockForgeError `config-invalid` with every problem, in the order of the file; returns if there is none. */
export function failOnProblems(problems: readonly Problem[], file: string, cwd: string): void {
  const [only, ...others] = problems;
  if (only === undefined) return;
  if (others.length === 0) {
    fail({ reason: 'config-invalid', subject: subjectOf(only, cwd), found: only.message });
  }
  // The config itself first, then what it extends, then options; inside each from top to bottom.
  const rank = ({ source, line }: Place) => (source === file ? 0 : line === undefined ? 2 : 1);
  const sorted = [...problems].sort(
    (a, b) =>
      rank(a.place) - rank(b.place) ||
      (a.place.source < b.place.source ? -1 : a.place.source > b.place.source ? 1 : 0) ||
      (a.place.line ?? 0) - (b.place.line ?? 0) ||
      (a.place.column ?? 0) - (b.place.column ?? 0),
  );
  fail({
    reason: 'config-invalid',
    subject: displayPath(file, cwd),
    found: [
      `${problems.length} problems`,
      ...sorted.slice(0, shown).map((problem) => `  ${formatProblem(problem, cwd)}`),
      ...(sorted.length > shown ? [`  and ${sorted.length - shown} more`] : []),
    ].join('\n'),
  });
}
