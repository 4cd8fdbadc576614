import type { z } from 'zod';
import { formerKeys } from './former-keys.ts';
import { editDistance, nearest } from './nearest.ts';
import { formatPath } from './problem.ts';
import type { KeyPath } from './problem.ts';
import { allKeyPaths, keysAt, type Schema } from './schema-keys.ts';

type Issue = z.core.$ZodIssue;

/** One line about one place of the config. */
export interface Complaint {
  readonly path: KeyPath;
  readonly message: string;
  /** The last key of `path` is the problem, not its value. */
  readonly unknownKey?: boolean;
  /** The known key that an unknown one stands for, if that is likely. */
  readonly meant?: string;
  readonly missing?: boolean;
}

/** A config and what it should be. */
interface Given {
  readonly config: unknown;
  readonly schema: Schema;
}

/** What zod found, in words: every issue, unions reduced to the alternative that was meant. */
export function describeIssues(issues: readonly Issue[], config: unknown, schema: Schema): Complaint[] {
  const given = { config, schema };
  const complaints = issues.flatMap((issue) => describeIssue(issue, issue.path as KeyPath, given));
  // A mistyped required key is one mistake, not an unknown key and a missing one.
  const mistyped = new Set(
    complaints.flatMap(({ meant, path }) =>
      meant === undefined ? [] : [[...path.slice(0, -1), meant].join('.')],
    ),
  );
  return complaints.filter(({ missing, path }) => !(missing && mistyped.has(path.join('.'))));
}

function describeIssue(issue: Issue, path: KeyPath, given: Given): Complaint[] {
  const value = valueAt(given.config, path);
  const found = `found ${describeValue(value)}`;
  const complaint = (expected: string): Complaint[] =>
    value === undefined
      ? [{ path, message: `missing; expected ${expected}`, missing: true }]
      : [{ path, message: `expected ${expected}, ${found}` }];
  switch (issue.code) {
    case 'invalid_type':
      if (isQuotedNumber(issue.expected, value))
        return [{ path, message: `expected a number, ${found}; remove the quotes` }];
      return complaint(kindNames[issue.expected] ?? issue.expected);
    case 'too_small':
      return complaint(atLeast(issue));
    case 'too_big':
      return complaint(`${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`);
    case 'invalid_value':
      return complaint(oneOf(issue.values)).map((entry) => withSuggestion(entry, value, issue.values));
    case 'unrecognized_keys':
      return issue.keys.map((key) => describeUnknownKey(path, key, given.schema));
    case 'invalid_union':
      return describeUnion(issue, path, value, given);
    default:
      // Of a map or a list nothing could be shown that is not beside the message anyway.
      return [{ path, message: isWhole(value) ? issue.message : `${issue.message}, ${found}` }];
  }
}

function isWhole(value: unknown): boolean {
  return value !== null && typeof value === 'object';
}

const kindNames: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
};

function isQuotedNumber(expected: string, value: unknown): boolean {
  return (
    (expected === 'number' || expected === 'int') &&
    typeof value === 'string' &&
    /^-?[\d.]+(e-?\d+)?$/i.test(value)
  );
}

function atLeast({ origin, minimum, inclusive }: z.core.$ZodIssueTooSmall): string {
  if (origin === 'string') return 'a text that is not empty';
  const unit = origin === 'array' ? (minimum === 1 ? ' item' : ' items') : '';
  return `${inclusive ? 'at least' : 'more than'} ${minimum}${unit}`;
}

function oneOf(values: readonly z.core.util.Primitive[]): string {
  const shown = values.map((value) => (typeof value === 'string' ? value : String(value)));
  return [shown.slice(0, -1).join(', '), ...shown.slice(-1)].filter((part) => part !== '').join(' or ');
}

function withSuggestion(
  complaint: Complaint,
  value: unknown,
  candidates: readonly z.core.util.Primitive[],
): Complaint {
  if (typeof value !== 'string') return complaint;
  const near = nearest(
    value,
    candidates.filter((candidate) => typeof candidate === 'string'),
  );
  return near === undefined
    ? complaint
    : { ...complaint, message: `${complaint.message}; did you mean "${near}"?` };
}

function describeUnknownKey(path: KeyPath, key: string, schema: Schema): Complaint {
  const branches = keysAt(schema, path);
  const known = [...new Set(branches.flat())];
  const base = { path: [...path, key], unknownKey: true };
  if (known.includes(key)) {
    const together = branches.map((own) => own.join(', ')).join('; or ');
    return { ...base, message: `does not go with the other keys here; together go ${together}` };
  }
  const former = formerKeys.get(formatPath(base.path));
  if (former !== undefined) return { ...base, message: `key of an older version: ${former}` };
  const near = nearest(key, known);
  if (near !== undefined) return { ...base, message: `unknown key; did you mean "${near}"?`, meant: near };
  const elsewhere = placesOfKey(path, key, schema);
  if (elsewhere.length > 0) {
    return { ...base, message: `unknown key here; did you mean ${elsewhere.join(' or ')}?` };
  }
  return { ...base, message: known.length === 0 ? 'unknown key' : `unknown key; known: ${known.join(', ')}` };
}

/** Where a key that stands on the wrong level belongs: the same key anywhere, else a near one further in. */
function placesOfKey(path: KeyPath, key: string, schema: Schema): string[] {
  const all = allKeyPaths(schema);
  const same = all.filter((candidate) => candidate.at(-1) === key);
  if (same.length > 0) return same.map(formatPath);
  const inside = all.filter((candidate) => path.every((part, depth) => candidate[depth] === part));
  const near = nearest(
    key,
    inside.flatMap((candidate) => candidate.slice(-1)),
  );
  return inside.filter((candidate) => candidate.at(-1) === near).map(formatPath);
}

/** Shows the alternative that was meant: the one that fits the value's kind and, among maps, its keys best. */
function describeUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: KeyPath,
  value: unknown,
  given: Given,
): Complaint[] {
  const branches = issue.errors;
  const values = branches.flatMap((errors) =>
    errors.flatMap((error) =>
      error.code === 'invalid_value' && error.path.length === 0 ? error.values : [],
    ),
  );
  const maps = keysAt(given.schema, path);
  const inside = (errors: readonly Issue[]): Complaint[] =>
    errors.flatMap((error) => describeIssue(error, [...path, ...(error.path as KeyPath)], given));
  if (values.length === 0 && maps.length === 0) {
    // Kinds of plain values, such as a number or a pair: the one that this is, else the first.
    const isOther = (errors: readonly Issue[]): boolean =>
      errors.some(({ code, path: at }) => code === 'invalid_type' && at.length === 0);
    return inside(branches.find((errors) => !isOther(errors)) ?? branches[0] ?? []);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value) || maps.length === 0) {
    // Of the right kind for one of them, which then says what is wrong with it.
    const ofKind = branches.find((errors) =>
      errors.every(({ code }) => code !== 'invalid_type' && code !== 'invalid_value'),
    );
    if (ofKind !== undefined && ofKind.length > 0 && values.length === 0)
      return ofKind.flatMap((error) => describeIssue(error, [...path, ...(error.path as KeyPath)], given));
    const kinds = branches.flatMap((errors) =>
      errors.flatMap((error) =>
        error.code === 'invalid_type' && error.path.length === 0 && error.expected !== 'object'
          ? [kindNames[error.expected] ?? error.expected]
          : error.code === 'too_small' && error.path.length === 0
            ? [`a number of ${atLeast(error)}`]
            : error.code === 'too_big' && error.path.length === 0
              ? [`a number of at most ${error.maximum}`]
              : [],
      ),
    );
    const choices = [
      ...new Set(kinds),
      ...(values.length === 0 ? [] : [`${values.length > 1 ? 'one of ' : ''}${oneOf(values)}`]),
      ...maps.map((own) => `a map with ${own.length === 1 ? own[0] : own.join(', ')}`),
    ];
    const message = `expected ${choices.join(', or ')}, found ${describeValue(value)}`;
    return [withSuggestion({ path, message }, value, values)];
  }
  const keys = Object.keys(value);
  const excluding = maps.length > 1 && maps.every((own) => own.length === 1);
  if (excluding && keys.filter((key) => maps.flat().includes(key)).length > 1) {
    return [{ path, message: `give only one of ${oneOf(maps.flat())}` }];
  }
  const distance = (errors: readonly Issue[]): number =>
    errors.reduce((sum, error) => {
      if (error.path.length === 0 && error.code !== 'unrecognized_keys') return sum + 1000;
      if (error.code !== 'invalid_type' || valueAt(value, error.path as KeyPath) !== undefined)
        return sum + 1;
      const wanted = String(error.path[error.path.length - 1]);
      return sum + Math.min(...keys.map((key) => editDistance(key, wanted)), wanted.length);
    }, 0);
  const [best] = [...branches].sort((a, b) => distance(a) - distance(b));
  if (best === undefined) throw new Error(`a union without alternatives at ${formatPath(path)}`);
  return inside(best);
}

function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      inner !== null && typeof inner === 'object' && Object.hasOwn(inner, key)
        ? (inner as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}

function describeValue(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return `${value as number | boolean}`;
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}
