import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { packageFolder } from '../util/package-folder.ts';
import { checkConfig } from './check.ts';
import { describeIssues } from './describe-issue.ts';
import { expandEnvironment } from './expand.ts';
import type { Environment } from './expand.ts';
import { findConfigFile } from './find-file.ts';
import type { LoadedConfig } from './loaded.ts';
import { mergeNodes } from './merge.ts';
import { keyPlaceOf, mapTexts, placeOf, valueOf } from './node.ts';
import type { ConfigNode } from './node.ts';
import { parseOverride } from './override.ts';
import { failOnProblems, formatPath } from './problem.ts';
import type { Problem } from './problem.ts';
import { readLayers } from './read-layers.ts';
import { configSchema } from './schema.ts';
import type { Config } from './schema.ts';

export interface LoadOptions {
  /** `key.path=value`, applied in order on top of everything; the value is read as YAML. */
  readonly overrides?: readonly string[];
  /** Where bare names are looked up after `cwd`. Default: the package's `configs/`. */
  readonly searchFolder?: string;
  readonly cwd?: string;
  readonly env?: Environment['env'];
}

const packagedConfigs = join(packageFolder, 'configs');

/**
 * Reads a run's config: file, what it extends, overrides, environment, schema with its defaults, contradictions.
 * Paths in the result are absolute, each resolved where it was written.
 *
 * @throws BlockForgeError `file-missing`, `usage`, or `config-invalid` with every problem at once
 */
export function loadConfig(nameOrPath: string, options: LoadOptions = {}): LoadedConfig {
  const { overrides = [], searchFolder = packagedConfigs, cwd = process.cwd(), env = process.env } = options;
  const file = findConfigFile(nameOrPath, cwd, searchFolder);
  const problems: Problem[] = [];
  const layers = [
    ...readLayers(file, { env, cwd }, problems),
    ...overrides.map((text) => parseOverride(text, cwd, problems)),
  ];
  failOnProblems(problems, file, cwd);
  const merged = layers.reduce((base, over) => mergeNodes(base, over));
  const root = resolvePaths(expandEnvironment(merged, { env, cwd }, problems));
  const value = valueOf(root);
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    for (const finding of describeIssues(parsed.error.issues, value)) {
      const place = (finding.unknownKey ? keyPlaceOf : placeOf)(root, finding.path);
      // A text whose variable is not set was complained about already.
      const reported = problems.some(({ path }) => formatPath(path) === formatPath(finding.path));
      if (!reported) problems.push({ place, path: finding.path, message: finding.message });
    }
  } else {
    for (const { path, message } of checkConfig(parsed.data)) {
      problems.push({ place: placeOf(root, path), path, message });
    }
  }
  failOnProblems(problems, file, cwd);
  const config = parsed.data as Config;
  return { config, name: config.name ?? nameOfFile(file), file };
}

/** Makes the config's file paths absolute, relative to where each was written; `~/` is the home folder. */
function resolvePaths(root: ConfigNode): ConfigNode {
  return mapTexts(root, (text, place, path) => {
    const key = formatPath(path);
    const isPath = key === 'data.path' || (key === 'teacher.checkpoint' && !text.startsWith('hf:'));
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
