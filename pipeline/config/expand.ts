import { mapTexts } from './node.ts';
import type { ConfigNode } from './node.ts';
import { formatPath, type KeyPath, type Place, type Problem } from './problem.ts';

export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the variables were set: a relative path that begins with one is relative to this. */
  readonly cwd: string;
  /** What stands for a variable that is not set and has no default; without it, that is a mistake. */
  readonly unset?: ((name: string) => string) | undefined;
  /** Told of every variable that is not set, with the key whose text names it. */
  readonly onUnset?: ((name: string, key: string) => void) | undefined;
}

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every text of the config. The default also stands in for an empty
 * variable, as in a shell; `$${` gives a literal `${`. The result stays text, it is never read as YAML again.
 */
export function expandEnvironment(
  root: ConfigNode,
  { env, cwd, unset, onUnset }: Environment,
  problems: Problem[],
  rootPath: KeyPath = [],
): ConfigNode {
  const expand = (text: string, place: Place, path: KeyPath) => {
    let folder = place.folder;
    const complain = (message: string): string => {
      problems.push({ place, path, message });
      return '';
    };
    const value = text.replace(
      /\$\$\{|\$\{([^}]*)(\}?)/g,
      (whole: string, inner: string | undefined, closing: string, offset: number) => {
        if (inner === undefined) return '${';
        const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner) ?? [];
        if (closing === '' || name === undefined || fallback?.includes('${')) {
          return complain(`"${whole}" is not a reference; write \${NAME} or \${NAME:-default}`);
        }
        const set = env[name];
        if (set === undefined || set === '') onUnset?.(name, formatPath(path));
        if (fallback !== undefined && (set === undefined || set === '')) return fallback;
        if (offset === 0) folder = cwd;
        const advice = `set it, or give a default: \${${name}:-default}`;
        return set ?? unset?.(name) ?? complain(`the environment variable ${name} is not set; ${advice}`);
      },
    );
    return { value, place: { ...place, folder } };
  };
  return mapTexts(root, expand, rootPath);
}
