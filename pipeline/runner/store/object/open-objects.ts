import { randomBytes } from 'node:crypto';
import { fail } from '../../../util/failure.ts';
import type { StorePlace } from '../../parse-store.ts';
import { makeClient } from './make-client.ts';
import { createObjects, type Objects } from './objects.ts';
import { patient, type Patience } from './retry.ts';
import { storeFailure } from './store-failure.ts';

export interface OpenSettings {
  /** How long somebody waits who has nothing to lose yet. */
  readonly atStart: Patience;
  /** How long at work. */
  readonly waits?: Patience | undefined;
  readonly partBytes?: number | undefined;
}

/**
 * Connects, and tries once what jobs need: to write, to find, to remove.
 * @throws BlockForgeError `place-unusable`: one sentence about what is wrong, without keys
 */
export async function openObjects(
  { bucket, prefix }: StorePlace & { kind: 's3' },
  { atStart, waits = patient, partBytes }: OpenSettings,
): Promise<Objects> {
  const place = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const loaded = await makeClient();
  const objects = createObjects(loaded, { bucket, place, waits, partBytes });
  const key = `${prefix === '' ? '' : `${prefix}/`}.probe-${randomBytes(4).toString('hex')}`;
  const hasty = objects.with({ waits: atStart });
  try {
    await hasty.putText(key, 'written to see whether it can be\n');
    await hasty.list(key);
    await hasty.remove(key);
    return objects;
  } catch (error) {
    objects.close();
    const found = storeFailure(error, place);
    if (found === undefined) throw error;
    return fail(found.failure, error);
  }
}
