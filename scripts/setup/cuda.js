import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Unavailable, lastWords, run } from './command.js';

/**
 * Adds NVIDIA's libraries, as the wheel names them, at FOLDER/nvidia/<library>/lib.
 *
 * @param {string} folder
 * @param {readonly string[]} requirements
 * @param {readonly string[]} pip a command with its first parameters
 * @param {NodeJS.ProcessEnv} environment
 */
export async function addCuda(folder, requirements, pip, environment) {
  if (requirements.length === 0)
    throw new Unavailable('this TensorFlow wheel names no CUDA libraries to go with it');
  const staging = join(folder, 'staging');
  const options = ['--only-binary=:all:', '--no-input', '--disable-pip-version-check', '--no-compile'];
  const outcome = await run(
    pip[0],
    [...pip.slice(1), 'install', '--target', staging, ...options, ...requirements],
    {
      env: environment,
      timeoutMs: 60 * 60_000,
    },
  );
  if (!outcome.ok) throw new Unavailable(`pip could not install the CUDA libraries: ${lastWords(outcome)}`);
  await arrangeCuda(folder, join(staging, 'nvidia'));
  await rm(staging, { recursive: true });
}

/**
 * Puts NVIDIA's libraries where both sides find them without any environment variable. They look for each other at
 * $ORIGIN/../../<library>/lib; TensorFlow opens them by bare name and has $ORIGIN in its run path, or, in wheels built the other
 * way, $ORIGIN/../nvidia/<library>/lib. So TensorFlow lives among them, at nvidia/tensorflow/lib, with a link to each of them beside it.
 *
 * @param {string} folder
 * @param {string} from
 */
export async function arrangeCuda(folder, from) {
  const home = join(folder, 'nvidia', 'tensorflow');
  await mkdir(join(home, 'lib'), { recursive: true });
  for (const library of await readdir(from)) {
    if (!existsSync(join(from, library, 'lib'))) continue;
    await rename(join(from, library), join(folder, 'nvidia', library));
    for (const file of await readdir(join(folder, 'nvidia', library, 'lib'))) {
      if (/\.so(\.|$)/.test(file))
        await symlink(join('..', '..', library, 'lib', file), join(home, 'lib', file));
    }
  }
  await symlink('..', join(home, 'nvidia'));
}
