import type { Preprocessing } from '../../../../datasets/contract.ts';
import { openPreparer as openConfigured } from '../../../../datasets/open-preparer.ts';
import type { Preparer } from '../../../../datasets/prepare.ts';
import type { LoadedConfig } from '../../../config/loaded.ts';

/** The run's data source behind its decoded-image cache. */
export function openPreparer(
  { config }: LoadedConfig,
  preprocessing: Preprocessing,
  warn: (message: string) => void,
): Promise<Preparer> {
  return openConfigured(config, preprocessing, warn);
}
