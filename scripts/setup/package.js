import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Unavailable, lastWords, run } from './command.js';
import { bindingPath, packageFolder } from './binding.js';

/** @param {string} toolFolder */
const markPath = (toolFolder) => join(toolFolder, 'node_modules', '.blockforge-package.json');

/**
 * Installs the package's JavaScript side into a folder of its own, without its install script: that one fetches a library of 2022 with CUDA 11.2.
 * As a dependency of the root it would run there on every npm, which has no setting to exclude one package's script.
 *
 * @param {import('./wheel.js').Context} context
 */
export async function installPackage({ toolFolder, environment, say }) {
  const lock = await readFile(join(toolFolder, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const mark = await readFile(markPath(toolFolder), 'utf8').catch(() => '');
  if (mark === wanted && existsSync(join(packageFolder(toolFolder), 'dist', 'index.js'))) return;

  say('installing the JavaScript side of the TensorFlow engine');
  const npm = environment.npm_execpath?.endsWith('.js')
    ? [process.execPath, environment.npm_execpath]
    : ['npm'];
  const parameters = [
    'ci',
    '--prefix',
    toolFolder,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--include=prod',
  ];
  const outcome = await run(npm[0], [...npm.slice(1), ...parameters], {
    cwd: toolFolder,
    env: withoutOuterInstall(environment),
    timeoutMs: 10 * 60_000,
  });
  if (!outcome.ok) {
    await rm(markPath(toolFolder), { force: true });
    throw new Unavailable(`npm could not install @tensorflow/tfjs-node-gpu: ${lastWords(outcome)}`);
  }
  await writeFile(markPath(toolFolder), wanted);
}

/**
 * The package's own download: libtensorflow 2.9.1 (CUDA 11.2 where there is a GPU) and a prebuilt or compiled binding.
 *
 * @param {'cpu' | 'cuda'} variant
 * @param {import('./wheel.js').Context} context
 */
export async function officialDownload(variant, { toolFolder, environment, say }) {
  say('trying the official download of @tensorflow/tfjs-node-gpu (at most 10 minutes)');
  const folder = packageFolder(toolFolder);
  // The script edits the package's own package.json while it works: until it has succeeded, the next set-up starts from a clean copy.
  const mark = await readFile(markPath(toolFolder));
  await rm(markPath(toolFolder));
  await rm(join(folder, 'lib'), { recursive: true, force: true });
  const path = [join(toolFolder, 'node_modules', '.bin'), environment.PATH].join(
    process.platform === 'win32' ? ';' : ':',
  );
  const outcome = await run(
    process.execPath,
    ['scripts/install.js', variant === 'cuda' ? 'gpu' : 'cpu', 'download'],
    {
      cwd: folder,
      env: { ...withoutOuterInstall(environment), PATH: path },
      timeoutMs: 10 * 60_000,
    },
  );
  if (outcome.ok && existsSync(bindingPath(toolFolder))) {
    await writeFile(markPath(toolFolder), mark);
    return;
  }
  for (const leftover of ['deps', 'lib', 'build']) {
    await rm(join(folder, leftover), { recursive: true, force: true });
  }
  throw new Unavailable(`the official download of @tensorflow/tfjs-node-gpu failed: ${lastWords(outcome)}`);
}

/**
 * npm passes the options of the outer `npm install` down as variables; those that say where and what to install are not meant for
 * an install inside it, the rest (registry, proxy, cache, certificates) is.
 *
 * @param {NodeJS.ProcessEnv} environment
 */
export function withoutOuterInstall(environment) {
  const misleading =
    /^npm_config_(global|location|prefix|local_prefix|workspaces?|include_workspace_root|omit|only|production|include|package_lock|package_lock_only|dry_run|save.*|lockfile_version|install_links|install_strategy|legacy_bundling|global_style)$|^npm_(package|lifecycle)_|^INIT_CWD$/i;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !misleading.test(name)));
}
