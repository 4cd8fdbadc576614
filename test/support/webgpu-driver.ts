import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installedEngines } from '../../pipeline/tensor/installed.ts';
import { cacheRoot } from '../../scripts/setup/cache.js';

/**
 * The variables with which a process finds a software driver for the webgpu engine, or why there is none: the driver named in
 * VK_ICD_FILENAMES, the one that scripts/swiftshader.js fetched, or that of an installed chromium.
 */
export function webgpuDriver(): NodeJS.ProcessEnv | string {
  if (installedEngines().webgpu === undefined) return 'npm run setup -- --webgpu installs the engine';
  if (process.env.VK_ICD_FILENAMES) return {};
  const places = [join(cacheRoot(process.env), 'swiftshader'), '/usr/lib/chromium'];
  const place = places.find((folder) => existsSync(join(folder, 'vk_swiftshader_icd.json')));
  if (place === undefined) return 'node scripts/swiftshader.js fetches a driver';
  return { VK_ICD_FILENAMES: join(place, 'vk_swiftshader_icd.json'), LD_LIBRARY_PATH: place };
}
