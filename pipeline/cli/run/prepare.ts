import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { nearest } from '../../config/nearest.ts';
import type { Config } from '../../config/schema.ts';
import type { DownloadProgress } from '../../hub/download.ts';
import type { MissingInput } from '../../stages/common/assumed-inputs.ts';
import type { PlanInput } from '../../stages/common/plan-input.ts';
import type { Method } from '../../stages/common/method.ts';
import { methodOf, methods as allMethods } from '../../stages/methods.ts';
import type { Surroundings, Terminal } from '../../terminal/terminal.ts';
import { BlockForgeError, fail } from '../../util/failure.ts';
import { formatBytes } from '../../util/format.ts';
import { planOfName, refuseKnownName, withHint } from './plan-of-name.ts';

/** What names a run on a command line. */
export interface RunSource {
  readonly config: string;
  /** `key.path=value`, with --engine and --seed translated, in the order in which they win. */
  readonly overrides: readonly string[];
  /** Folder of the run folders. */
  readonly runs: string;
}

/** All that is known of a run before its jobs are listed. */
export interface PreparedRun {
  readonly method: Method<Config>;
  readonly input: PlanInput;
  /** Absolute. */
  readonly runFolder: string;
  /** What a plan does without, and what it takes instead; sentences. */
  readonly assumed: readonly string[];
  /** What a run needs and is not there. */
  readonly missing: readonly MissingFile[];
}

/** With the environment variable that would say where it is. */
export interface MissingFile extends MissingInput {
  readonly variable?: string | undefined;
}

/**
 * Loads the config and looks at what it names; loads no engine.
 * @param mayAssume for plans that are only shown: what is not at hand is assumed, and a published name of an architecture is a config
 * @throws BlockForgeError for whatever is wrong with them
 */
export async function prepareRun(
  { config, overrides, runs }: RunSource,
  around: Surroundings,
  methods: readonly Method<Config>[] = allMethods,
  mayAssume = false,
): Promise<PreparedRun> {
  const assumed: string[] = [];
  const lacking: MissingInput[] = [];
  const assume = mayAssume
    ? (sentence: string, input?: MissingInput) => {
        assumed.push(sentence);
        if (input !== undefined) lacking.push(input);
      }
    : undefined;
  const named = assume && planOfName(config, around.cwd, assume);
  if (named === undefined) refuseKnownName(config, around.cwd, mayAssume);
  if (named === undefined) refuseMistypedCommand(config, around, methods);
  const variables = new Map<string, string>();
  const unset = new Set<string>();
  const loading = {
    overrides: [...(named?.overrides ?? []), ...overrides],
    cwd: around.cwd,
    onUnset: (name: string, key: string) => variables.set(key, name),
    ...(assume && { unset: (name: string) => (unset.add(name), `$${name}`) }),
  };
  const loaded = withHint(assume && config, () => loadConfig(named?.config ?? config, methods, loading));
  if (unset.size > 0) assume?.(`${[...unset].join(' and ')} ${unset.size === 1 ? 'is' : 'are'} not set`);
  // Late, so that a mistake in the config is told at once.
  const { preparePlanInput } = await import('../../stages/common/plan-input.ts');
  const method = methodOf(loaded.config, methods);
  const hub = {
    onProgress: downloadLines(around.stderr),
    onNote: (note: string) => around.stderr.write(`${note}\n`),
  };
  const others = method.others?.(loaded.config) ?? [];
  const input = await preparePlanInput(loaded, loaded.config.engine, hub, others, assume);
  const missing = lacking.map((file) => ({ ...file, variable: variables.get(file.key) }));
  return { method, input, runFolder: resolve(around.cwd, runs, loaded.name), assumed, missing };
}

/** A line every few seconds while an `hf:` checkpoint comes in; Ctrl-C keeps what is there. */
function downloadLines(stderr: Terminal): (progress: DownloadProgress) => void {
  let next = 0;
  return ({ file, doneBytes, totalBytes }) => {
    if (Date.now() < next) return;
    next = Date.now() + 3000;
    const total = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
    stderr.write(`downloading ${file}: ${formatBytes(doneBytes)}${total}\n`);
  };
}

/** `blockforge doctr` reads as a config called "doctr"; say what was meant instead of searching for it. */
function refuseMistypedCommand(
  config: string,
  { cwd, commands }: Surroundings,
  methods: readonly Method<Config>[],
): void {
  if (/[./\\]/.test(config) || existsSync(resolve(cwd, config))) return;
  const near = nearest(config, commands);
  if (near === undefined) return;
  try {
    loadConfig(config, methods, { cwd });
  } catch (error) {
    if (!(error instanceof BlockForgeError) || error.failure.reason !== 'file-missing') return;
    fail({
      reason: 'usage',
      subject: config,
      found: 'neither a command nor a config',
      next: `did you mean the command "${near}"?`,
    });
  }
}
