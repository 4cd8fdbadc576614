import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { knownNames, namedArchitecture, refusedArchitecture } from '../../checkpoint/architectures.ts';
import { fail } from '../../util/failure.ts';

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

/**
 * Where a config should stand: says of a published name why it cannot be planned, or that it can only be planned.
 * @param mayPlan whether names of architectures are configs here
 * @throws BlockForgeError `checkpoint-unsupported`, `usage`
 */
export function refuseKnownName(name: string, cwd: string, mayPlan: boolean): void {
  if (existsSync(resolve(cwd, name))) return;
  const why = refusedArchitecture(name);
  if (why !== undefined) {
    fail({ reason: 'checkpoint-unsupported', subject: name, found: why, expected: knownNames });
  }
  if (mayPlan || namedArchitecture(name) === undefined) return;
  fail({
    reason: 'usage',
    subject: name,
    found: 'the name of an architecture, which can be planned; a run needs weights and images too',
    expected: 'a config, e.g. one that names both',
    next: `--plan ${name}; or --config ${base} --set teacher.architecture=${name} --set teacher.checkpoint=PATH --set data.path=FOLDER`,
  });
}
