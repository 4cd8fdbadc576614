/**
 * Fetches a Vulkan driver that computes on the processor, so that the webgpu engine can be tested without a GPU: SwiftShader, out of the distribution's
 * chromium package (30 MB, of which 6 are kept). Nothing is installed.
 *
 *     node scripts/swiftshader.js       prints the variables that make programs use it
 */
import { existsSync } from 'node:fs';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot, publish, sealed } from './setup/cache.js';
import { Unavailable, lastWords, run } from './setup/command.js';

const files = ['libvk_swiftshader.so', 'vk_swiftshader_icd.json', 'libvulkan.so.1'];
/** The one that holds them in Debian. */
const packageName = 'chromium-common';

const root = cacheRoot(process.env);
const folder = join(root, 'swiftshader');
try {
  if ((await sealed(folder)) === undefined) await fetchDriver();
  console.log(`export VK_ICD_FILENAMES=${join(folder, files[1])} LD_LIBRARY_PATH=${folder}`);
} catch (error) {
  console.error(error instanceof Unavailable ? `swiftshader: ${error.message}` : error);
  process.exitCode = 1;
}

async function fetchDriver() {
  await publish(root, 'swiftshader', async (partial) => {
    const options = { cwd: partial, env: process.env, timeoutMs: 120_000 };
    let download = await run('apt-get', ['download', packageName], options);
    if (!download.ok && !download.missing) {
      // An image without package lists; needs to be root.
      await run('apt-get', ['update'], options);
      download = await run('apt-get', ['download', packageName], options);
    }
    if (download.missing)
      throw new Unavailable('there is no apt-get: take the three files out of a chromium by hand');
    const [name] = (await readdir(partial)).filter((file) => file.endsWith('.deb'));
    if (!download.ok || name === undefined)
      throw new Unavailable(`apt-get could not download ${packageName}: ${lastWords(download)}`);
    const unpacked = await run('dpkg-deb', ['-x', name, 'unpacked'], options);
    const from = join(partial, 'unpacked', 'usr', 'lib', 'chromium');
    if (!unpacked.ok) throw new Unavailable(`${name} could not be unpacked: ${lastWords(unpacked)}`);
    const absent = files.find((file) => !existsSync(join(from, file)));
    if (absent !== undefined) throw new Unavailable(`${name} holds no ${absent}`);
    for (const file of files) await cp(join(from, file), join(partial, file));
    for (const rest of [name, 'unpacked']) await rm(join(partial, rest), { recursive: true });
    return { name: 'swiftshader', content: { package: name } };
  });
}
