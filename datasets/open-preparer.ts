import type { Config } from '../pipeline/config/schema.ts';
import type { Preprocessing } from './contract.ts';
import { openImageCache } from './image-cache.ts';
import { openSource } from './open.ts';
import { createPreparer, type Preparer } from './prepare.ts';

/** The configured data source behind its decoded-image cache. @throws as `openSource` */
export async function openPreparer(
  { data, seed }: Pick<Config, 'data' | 'seed'>,
  preprocessing: Preprocessing,
  warn: (message: string) => void,
): Promise<Preparer> {
  const source = await openSource(data, { seed });
  return createPreparer(source, preprocessing, openImageCache({ maxBytes: data.cacheBytes, warn }));
}
