import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { fail, type Failure } from '../util/failure.ts';
import { manifestSchema, schemaVersion, type Manifest } from './manifest.ts';

/** What is wrong with a manifest, at one place in it. */
export interface ManifestProblem {
  readonly found: string;
  readonly expected?: string;
  readonly next?: string;
}

/**
 * Far above any real manifest (a thousand descendants: 3 MB, 100,000 values): what a wrong or hostile one may cost. The
 * schema's checks recurse over depth, and over the characters of a path.
 */
const maxManifestBytes = 64 * 2 ** 20;
const maxValues = 400_000;
const maxDepth = 100;
const maxTextLength = 10_000;

/**
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function findManifest(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    return fail({
      reason: 'file-missing',
      subject: path,
      found: 'no such file or folder',
      next: 'give the library folder, its manifest.json, or the run folder (runs/<name>)',
    });
  }
  if (found.isFile()) {
    if (basename(path).endsWith('.json')) return path;
    return fail({
      reason: 'library-invalid',
      subject: path,
      found: 'not a manifest',
      expected: 'a library folder or its manifest.json',
    });
  }
  for (const candidate of [join(path, 'manifest.json'), join(path, 'library', 'manifest.json')]) {
    if ((await stat(candidate).catch(() => undefined))?.isFile()) return candidate;
  }
  return fail({
    reason: 'library-invalid',
    subject: path,
    found: 'a folder without manifest.json or library/manifest.json',
    expected: 'a library folder, or a run folder whose export has finished',
    next: 'if this is a run, give its pipeline command again: it resumes',
  });
}

/** @throws BlockForgeError `library-invalid`, with the first few problems */
export async function readManifest(path: string): Promise<Manifest> {
  const read = await inspectManifest(path);
  if (!Array.isArray(read)) return read;
  const shown = read.slice(0, 5).map(({ found }) => found);
  if (read.length > shown.length) shown.push(`and ${read.length - shown.length} more`);
  const failure: Failure = {
    reason: 'library-invalid',
    subject: path,
    found: shown.join('\n    '),
    expected: read[0].expected ?? `a BlockForge library manifest, version ${schemaVersion}`,
    next: read[0].next ?? 'copy the library again, or export it again',
  };
  return fail(failure);
}

/** The manifest, or everything that is wrong with it. Takes time and memory by the file's size, never by its claims. */
export async function inspectManifest(path: string): Promise<Manifest | ManifestProblem[]> {
  let value: unknown;
  try {
    const { size } = await stat(path);
    if (size > maxManifestBytes) return [{ found: `${size} bytes` }];
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    return [{ found: `damaged: ${(error as Error).message}` }];
  }
  const excess = excessOf(value);
  if (excess !== undefined) return [{ found: excess }];
  const { kind, schemaVersion: version } = (value ?? {}) as { kind?: unknown; schemaVersion?: unknown };
  if (kind !== 'blockforge-library') {
    return [{ found: 'JSON, but not a library manifest ("kind" is missing)' }];
  }
  if (typeof version === 'number' && version > schemaVersion) {
    return [
      {
        found: `schemaVersion ${version}, newer than this BlockForge`,
        expected: `${schemaVersion} or lower`,
        next: 'update BlockForge',
      },
    ];
  }
  const problems = valueProblems(value);
  if (problems.length >= maxProblems) return problems;
  const result = manifestSchema.safeParse(value);
  return result.success
    ? result.data
    : result.error.issues.slice(0, maxProblems).map((issue) => problemOf(issue, []));
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
function valueProblems(value: unknown): ManifestProblem[] {
  const problems: ManifestProblem[] = [];
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
  visit(manifestSchema, value, []);
  return problems;
}

function problemOf(
  { path, message }: z.core.$ZodIssue,
  below: readonly (string | number)[],
): ManifestProblem {
  const place = [...below, ...path].map(String).join('.');
  const text = place === '' ? message : `${place}: ${message}`;
  return { found: text.length > 500 ? `${text.slice(0, 497)}...` : text };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
