import type { RunCommand } from './arguments.ts';
import { quoted } from './quoted.ts';

/**
 * What is typed to go on with a run that was stopped. Without `--from`, which was done before the work began: given again, it would
 * begin anew. And without `--retry-failed`: what that left out is to be done, too.
 */
export function commandToGoOn({ config, overrides, runs, only, stopAfter }: RunCommand): string {
  return [
    'npm run pipeline -- --config',
    quoted(config),
    ...overrides.flatMap((override) => ['--set', quoted(override)]),
    ...(only === undefined ? [] : ['--only', only]),
    ...(stopAfter === undefined ? [] : ['--stop-after', `${stopAfter}s`]),
    ...(runs === 'runs' ? [] : ['--runs', quoted(runs)]),
  ].join(' ');
}
