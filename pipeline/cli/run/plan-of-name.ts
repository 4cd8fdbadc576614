import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { exampleNames, namedArchitecture, refusedArchitecture } from '../../checkpoint/architectures.ts';
import { BlockForgeError, fail } from '../../util/failure.ts';

/** The config that says everything else of such a plan. */
const base = 'vit-b16.yaml';

/**
 * A published name of an architecture, e.g. `vit_small_patch16_224`, as what is to be planned.
 * @returns undefined where `name` is none, or there is such a file
 */
export function planOfName(
  name: string,
  cwd: string,
  assume: (sentence: string) => void,
): { readonly config: string; readonly overrides: readonly string[] } | undefined {
  const named = namedArchitecture(name);
  if (named === undefined || existsSync(resolve(cwd, name))) return undefined;
  const teacher = named.headless === true ? 'such a teacher, which has no classifier' : 'such a teacher';
  assume(`${name} names an architecture: planned as configs/${base} with ${teacher}`);
  return {
    config: base,
    overrides: [
      ...[`name=${name}`, `teacher.architecture=${name}`, `teacher.checkpoint=${name}.safetensors`],
      ...(named.headless === true ? ['teacher.head=none'] : []),
    ],
  };
}

/** `owner/name[@revision]` or `hf:owner/name` of a model on the Hugging Face hub; a path of a file has an ending, or a folder that is there. */
const repository = /^(?:hf:)?(?<id>[\w-]+\/[\w.-]+(?:@[\w./-]+)?)$/;

/**
 * Where a config should stand: says of a published name why it cannot be planned, or that it can only be planned, and of a
 * repository where its name belongs.
 * @param mayPlan whether names of architectures are configs here
 * @throws BlockForgeError `checkpoint-unsupported`, `usage`
 */
export function refuseKnownName(name: string, cwd: string, mayPlan: boolean): void {
  if (existsSync(resolve(cwd, name))) return;
  const why = refusedArchitecture(name);
  if (why !== undefined) {
    fail({ reason: 'checkpoint-unsupported', subject: name, found: why, expected: exampleNames });
  }
  refuseRepository(name, cwd);
  if (mayPlan || namedArchitecture(name) === undefined) return;
  fail({
    reason: 'usage',
    subject: name,
    found: 'the name of an architecture, which can be planned; a run needs weights and images too',
    expected: 'a config, e.g. one that names both',
    next: `--plan ${name}; or --config ${base} --set teacher.architecture=${name} --set teacher.checkpoint=PATH --set data.path=FOLDER`,
  });
}

function refuseRepository(name: string, cwd: string): void {
  const id = repository.exec(name)?.groups?.id;
  if (id === undefined || /\.ya?ml$/.test(id) || existsSync(resolve(cwd, dirname(name)))) return;
  fail({
    reason: 'usage',
    subject: name,
    found: 'no such file; a repository of the Hugging Face hub is no config',
    expected: `a config, or with --plan the name of an architecture, ${exampleNames}`,
    next: `--config ${base} --set teacher.checkpoint=hf:${id} --set teacher.architecture=NAME; add --plan to plan it`,
  });
}

/** As names of architectures look, and configs seldom do. */
const likeAName = /^(?!.*\.ya?ml$)[\w.]*_[\w.]*$/;

/**
 * Loads a config; where `name` is neither one nor a known name, the failure says what names there are.
 * @param name as it was given; undefined where names are no configs
 */
export function withHint<Loaded>(name: string | undefined, load: () => Loaded): Loaded {
  try {
    return load();
  } catch (error) {
    if (name === undefined || !likeAName.test(name) || !(error instanceof BlockForgeError)) throw error;
    const { failure } = error;
    if (failure.reason !== 'file-missing' || failure.subject !== name) throw error;
    return fail({
      ...failure,
      found: `${failure.found}, and no name of an architecture that is known`,
      expected: `a config (${failure.expected ?? 'a YAML file'}), or a name of ${exampleNames}`,
    });
  }
}
