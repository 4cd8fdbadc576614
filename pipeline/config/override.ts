import { fail } from '../util/failure.ts';
import { withoutPassword } from '../util/without-password.ts';
import type { ConfigNode } from './node.ts';
import { parseYaml } from './parse.ts';
import type { Problem } from './problem.ts';

/**
 * One `--set key.path=value` as a config of its own, to be merged last. The value is YAML: `3`, `true`, `[0.4, 0.6]`,
 * `{ steps: 200 }`; relative paths are relative to `cwd`.
 *
 * @throws BlockForgeError `usage` when the text is not `key=value`.
 */
export function parseOverride(text: string, cwd: string, problems: Problem[]): ConfigNode {
  // Messages name it, and logs keep them.
  const option = withoutPassword(`--set ${text}`);
  const [, key, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const keys = key?.trim().split('.') ?? [];
  if (value === undefined || keys.some((part) => part === '')) {
    fail({
      reason: 'usage',
      subject: option,
      found: 'not a setting',
      expected: 'key=value with the key as in the config, e.g. --set distill.duration.epochs=3',
    });
  }
  const place = { source: option, folder: cwd };
  const node = parseYaml(value, { name: option, folder: cwd, hasLines: false }, problems);
  return keys.reduceRight<ConfigNode>(
    (inner, part) => ({ kind: 'map', members: new Map([[part, { keyPlace: place, node: inner }]]), place }),
    node,
  );
}
