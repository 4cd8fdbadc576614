import { Unavailable, lastWords, run } from './command.js';
import { withoutOuterInstall } from './package.js';

/**
 * Installs the webgpu engine's two packages into a folder of their own: 130 MB that only those who ask for it should download. They use the
 * root's tfjs-core, which is why their peer is left out.
 *
 * @param {string} folder scripts/webgpu
 * @param {import('./wheel.js').Context} context
 */
export async function installWebgpu(folder, { environment, say }) {
  say('installing the packages of the webgpu engine (some 130 MB)');
  const npm = environment.npm_execpath?.endsWith('.js')
    ? [process.execPath, environment.npm_execpath]
    : ['npm'];
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--omit=peer'];
  const outcome = await run(npm[0], [...npm.slice(1), 'ci', '--prefix', folder, ...options], {
    cwd: folder,
    env: withoutOuterInstall(environment),
    timeoutMs: 10 * 60_000,
  });
  if (!outcome.ok) throw new Unavailable(`npm could not install the webgpu engine: ${lastWords(outcome)}`);
}
