import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { isRecord } from '../util/foreign-value.ts';
import { packageFolder } from '../util/package.ts';
import { checkConfig } from './check.ts';
import { describeIssues } from './describe-issue.ts';
import { expandEnvironment } from './expand.ts';
import type { Environment } from './expand.ts';
import { findConfigFile } from './find-file.ts';
import type { LoadedConfig } from './loaded.ts';
import { mergeNodes } from './merge.ts';
import type { MethodSchema } from './method.ts';
import { nearest } from './nearest.ts';
import { keyPlaceOf, mapTexts, placeOf, valueOf } from './node.ts';
import type { ConfigNode } from './node.ts';
import { operationFields } from './operation.ts';
import { parseOverride } from './override.ts';
import { failOnProblems, formatPath } from './problem.ts';
import type { Problem } from './problem.ts';
import { readLayers } from './read-layers.ts';
import type { Config } from './schema.ts';

export interface LoadOptions {
  /** `key.path=value`, applied in order on top of everything; the value is read as YAML. */
  readonly overrides?: readonly string[];
  /** Where bare names are looked up after `cwd`. Default: the package's `configs/`. */
  readonly searchFolder?: string;
  readonly cwd?: string;
  readonly env?: Environment['env'];
  /** For plans alone: what stands for a variable that is not set. */
  readonly unset?: Environment['unset'];
  readonly onUnset?: Environment['onUnset'];
}

const packagedConfigs = join(packageFolder, 'configs');

/**
 * Reads a run's config: file, what it extends, overrides, environment, schema with its defaults, contradictions.
 * Paths in the result are absolute, each resolved where it was written.
 *
 * @param methods those that `method:` may name; the first one is the default
 * @throws BlockForgeError `file-missing`, `usage`, or `config-invalid` with every problem at once
 */
export function loadConfig<C extends Config>(
  nameOrPath: string,
  methods: readonly MethodSchema<C>[],
  options: LoadOptions = {},
): LoadedConfig<C> {
  const {
    overrides = [],
    searchFolder = packagedConfigs,
    cwd = process.cwd(),
    env = process.env,
    unset,
    onUnset,
  } = options;
  const file = findConfigFile(nameOrPath, cwd, searchFolder);
  const problems: Problem[] = [];
  const layers = [
    ...readLayers(file, { env, cwd }, problems),
    ...overrides.map((text) => parseOverride(text, cwd, problems)),
  ];
  failOnProblems(problems, file, cwd);
  const merged = layers.reduce((base, over) => mergeNodes(base, over));
  const own = methods.flatMap((method) => method.paths ?? []);
  const root = resolvePaths(expandEnvironment(merged, { env, cwd, unset, onUnset }, problems), own);
  const { method, value, issues } = chooseMethod(valueOf(root), methods);
  const parsed = method.schema.safeParse(value);
  if (issues.length > 0 || !parsed.success) {
    const all = [...issues, ...(parsed.error?.issues ?? [])];
    for (const complaint of describeIssues(
      all,
      withSecretsAsWritten(valueOf(root), valueOf(merged)),
      method.schema,
    )) {
      const place = (complaint.unknownKey ? keyPlaceOf : placeOf)(root, complaint.path);
      // A text whose variable is not set was complained about already.
      const reported = problems.some(({ path }) => formatPath(path) === formatPath(complaint.path));
      if (!reported) problems.push({ place, path: complaint.path, message: complaint.message });
    }
  } else {
    for (const { path, message } of [...checkConfig(parsed.data), ...method.check(parsed.data)]) {
      problems.push({ place: placeOf(root, path), path, message });
    }
  }
  failOnProblems(problems, file, cwd);
  const config = parsed.data as C;
  return { config, name: config.name ?? nameOfFile(file), file };
}

/** What messages may show: of where secrets come by the environment, the references to it. */
function withSecretsAsWritten(value: unknown, written: unknown): unknown {
  if (!isRecord(value) || !isRecord(written)) return value;
  const secret = Object.keys(operationFields).filter((key) => Object.hasOwn(written, key));
  return { ...value, ...Object.fromEntries(secret.map((key) => [key, written[key]])) };
}

/** The method that a config names, and what is wrong with that name: then the rest is read as for the one that is likely meant. */
function chooseMethod<C extends Config>(
  value: unknown,
  methods: readonly MethodSchema<C>[],
): { method: MethodSchema<C>; value: unknown; issues: readonly z.core.$ZodIssue[] } {
  const [first] = methods;
  if (first === undefined) throw new Error('there is no method');
  const names = z.object({ method: z.enum(methods.map(({ name }) => name)).default(first.name) });
  const named = names.safeParse(value);
  const said =
    named.data?.method ??
    nearest(
      methodOf(value),
      methods.map(({ name }) => name),
    );
  const method = methods.find(({ name }) => name === said) ?? first;
  const issues = named.error?.issues.filter(({ path }) => path[0] === 'method') ?? [];
  return { method, value: issues.length > 0 ? { ...(value as object), method: method.name } : value, issues };
}

function methodOf(value: unknown): string {
  const said = (value as { method?: unknown } | null)?.method;
  return typeof said === 'string' ? said : '';
}

const commonPaths = [
  'data.path',
  'data.classFile',
  'data.classes',
  'teacher.checkpoint',
  'teacher.labels',
  'teacher.textEmbeddings',
  'monitor.prometheus',
];

/** Makes the config's file paths absolute, relative to where each was written; `~/` is the home folder. */
function resolvePaths(root: ConfigNode, own: readonly string[]): ConfigNode {
  const paths = new Set([...commonPaths, ...own]);
  return mapTexts(root, (text, place, path) => {
    const key = formatPath(path);
    const isPath = paths.has(key.replace(/\[\d+\]/g, '[]')) && !text.startsWith('hf:');
    if (!isPath || text === '') return { value: text };
    return { value: text.startsWith('~/') ? join(homedir(), text.slice(2)) : resolve(place.folder, text) };
  });
}

/** "vit-b16" for configs/vit-b16.yaml; characters a run's name may not have become "-". */
function nameOfFile(file: string): string {
  const name = basename(file)
    .replace(/\.ya?ml$/, '')
    .replace(/[^\w.-]/g, '-');
  return /^\.*$/.test(name) ? 'run' : name;
}
