import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { BlockForgeError, fail } from '../util/failure.ts';
import { isRecord } from '../util/foreign-value.ts';
import { readPlainFile } from '../util/plain-file.ts';

/** What is wrong with a document, at one place in it. */
export interface DocumentProblem {
  readonly found: string;
  readonly expected?: string;
  readonly next?: string;
}

/** A kind of JSON document with a schema and a version. */
export interface DocumentKind<T> {
  /** What its `kind` says. */
  readonly kind: string;
  /** "library manifest" */
  readonly title: string;
  /** The newest that can be read. */
  readonly version: number;
  readonly schema: z.ZodType<T>;
  /** What to do about a damaged one. */
  readonly next: string;
  /** What a damaged one is reported as. */
  readonly reason: 'library-invalid' | 'file-invalid';
  /** Most bytes of its file, where that is less than of any document. */
  readonly maxBytes?: number;
}

/**
 * Far above any real manifest (a thousand descendants: 3 MB, 100,000 values): what a wrong or hostile one may cost. The
 * schema's checks recurse over depth, and over the characters of a path.
 */
const maxDocumentBytes = 64 * 2 ** 20;
const maxValues = 400_000;
const maxDepth = 100;
const maxTextLength = 10_000;

/**
 * A document of somebody else's, or everything that is wrong with it. Takes time and memory by the file's size, never by
 * its claims.
 */
export async function inspectDocument<T>(
  path: string,
  { kind: expectedKind, title, version: newest, schema, maxBytes }: DocumentKind<T>,
): Promise<{ readonly value: T } | { readonly problems: readonly [DocumentProblem, ...DocumentProblem[]] }> {
  const read = await readBoundedJson(path, maxBytes);
  if ('problem' in read) return { problems: [{ found: read.problem }] };
  const { value } = read;
  const { kind, schemaVersion: version } = (value ?? {}) as { kind?: unknown; schemaVersion?: unknown };
  if (kind !== expectedKind) {
    return { problems: [{ found: `JSON, but not a ${title} ("kind" is missing)` }] };
  }
  if (typeof version === 'number' && version > newest) {
    return {
      problems: [
        {
          found: `schemaVersion ${version}, newer than this BlockForge`,
          expected: `${newest} or lower`,
          next: 'update BlockForge',
        },
      ],
    };
  }
  const [first, ...others] = valueProblems(schema, value);
  if (first !== undefined && others.length + 1 >= maxProblems) return { problems: [first, ...others] };
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const issues = result.error.issues.slice(0, maxProblems).map((item) => problemOf(item, []));
  return { problems: [issues[0]!, ...issues.slice(1)] };
}

/** @throws BlockForgeError of the kind's reason, with the first few problems */
export async function readDocument<T>(path: string, kind: DocumentKind<T>): Promise<T> {
  const read = await inspectDocument(path, kind);
  if ('value' in read) return read.value;
  const { problems } = read;
  const shown = problems.slice(0, 5).map(({ found }) => found);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  return fail({
    reason: kind.reason,
    subject: path,
    found: shown.join('\n    '),
    expected: problems[0].expected ?? `a BlockForge ${kind.title}, version ${kind.version}`,
    next: problems[0].next ?? kind.next,
  });
}

/** JSON of somebody else's, with as many values as can be looked at; or why it is none. */
export async function readBoundedJson(
  path: string,
  maxBytes = maxDocumentBytes,
): Promise<{ readonly value: unknown } | { readonly problem: string }> {
  let value: unknown;
  try {
    const { size } = await stat(path);
    if (size > maxBytes) return { problem: `${size} bytes` };
    value = JSON.parse((await readPlainFile(path, maxBytes)).toString('utf8'));
  } catch (error) {
    if (error instanceof BlockForgeError) return { problem: error.failure.found };
    return { problem: `damaged: ${(error as Error).message}` };
  }
  const excess = excessOf(value);
  return excess === undefined ? { value } : { problem: excess };
}

/** Why `value`, fresh from JSON.parse, is too much to be checked further. Does not recurse. */
function excessOf(value: unknown): string | undefined {
  let level: unknown[] = [value];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length;
    if (values > maxValues) return `more than ${maxValues} values`;
    if (depth > maxDepth) return `nested more than ${maxDepth} levels deep`;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item === 'string' && item.length > maxTextLength)
        return `a text of ${item.length} characters`;
      if (typeof item !== 'object' || item === null) continue;
      // Not spread into push: its arguments are stack.
      for (const member of Object.values(item) as unknown[]) next.push(member);
    }
    level = next;
  }
  return undefined;
}

/** Enough for anyone to see what happened. The schema alone would gather millions, at 25 us and 700 bytes each. */
const maxProblems = 100;

/** What is wrong with single values, at most `maxProblems`. Unknown keys and references are left to the whole schema. */
function valueProblems(whole: z.ZodType, value: unknown): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  const visit = (schema: z.core.$ZodType, item: unknown, path: readonly (string | number)[]): void => {
    if (problems.length >= maxProblems) return;
    const inner =
      schema instanceof z.ZodOptional || schema instanceof z.ZodNullable ? schema.unwrap() : schema;
    if (inner instanceof z.ZodObject && isRecord(item)) {
      for (const [key, member] of Object.entries<z.core.$ZodType>(inner.shape)) {
        visit(member, Object.hasOwn(item, key) ? item[key] : undefined, [...path, key]);
      }
    } else if (inner instanceof z.ZodArray && Array.isArray(item)) {
      for (let i = 0; i < item.length && problems.length < maxProblems; i++)
        visit(inner.element, item[i], [...path, i]);
    } else {
      const result = z.safeParse(schema, item);
      if (!result.success)
        problems.push(...result.error.issues.slice(0, 5).map((issue) => problemOf(issue, path)));
    }
  };
  visit(whole, value, []);
  return problems;
}

function problemOf(
  { path, message }: z.core.$ZodIssue,
  below: readonly (string | number)[],
): DocumentProblem {
  const place = [...below, ...path].map(String).join('.');
  const text = place === '' ? message : `${place}: ${message}`;
  return { found: text.length > 500 ? `${text.slice(0, 497)}...` : text };
}
