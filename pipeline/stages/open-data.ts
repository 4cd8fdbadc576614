import type { Preprocessing } from '../../datasets/contract.ts';
import { openImageCache } from '../../datasets/image-cache.ts';
import { openSource } from '../../datasets/open.ts';
import { createPreparer, type Preparer } from '../../datasets/prepare.ts';
import type { LoadedConfig } from '../config/loaded.ts';

/** The run's data source behind its decoded-image cache. */
export async function openPreparer(
  { config }: LoadedConfig,
  preprocessing: Preprocessing,
  warn: (message: string) => void,
): Promise<Preparer> {
  const source = await openSource(config.data, { seed: config.seed });
  return createPreparer(source, preprocessing, openImageCache({ maxBytes: config.data.cacheBytes, warn }));
}
