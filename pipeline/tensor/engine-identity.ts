import { installedEngines, type EngineName } from './installed.ts';

/** An engine as far as its results go: name, version, variant, e.g. `tensorflow 2.21.0 cpu`. Loads nothing. */
export function engineIdentity(name: EngineName, installed = installedEngines()): string {
  const found = installed[name];
  const variant = name === 'tensorflow' ? ` ${installed.tensorflow?.variant ?? ''}` : '';
  return `${name} ${found?.version ?? 'not installed'}${variant}`;
}
