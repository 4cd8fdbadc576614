import { fail } from '../pipeline/util/failure.ts';

/** The one failure for data that is not where the config says. `get` tells how to obtain it. */
export function failMissing(path: string, options: { found: string; layout: string; get: string }): never {
  return fail({
    reason: 'file-missing',
    subject: path,
    found: options.found,
    expected: options.layout,
    next: `${options.get}; then point data.path at its folder (in the config, or with --set data.path=FOLDER)`,
  });
}
