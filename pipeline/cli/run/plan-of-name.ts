import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { namedArchitecture } from '../../checkpoint/architectures.ts';

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
  if (namedArchitecture(name) === undefined || existsSync(resolve(cwd, name))) return undefined;
  assume(`${name} names an architecture: planned as configs/${base} with such a teacher`);
  return {
    config: base,
    overrides: [`name=${name}`, `teacher.architecture=${name}`, `teacher.checkpoint=${name}.safetensors`],
  };
}
