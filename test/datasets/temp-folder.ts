import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for one suite: call in `describe`; removed afterwards. */
export function useTempFolder(): () => string {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-data-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  return () => folder;
}
