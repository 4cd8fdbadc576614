import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Sha256 } from '../../../util/hash.ts';

/**
 * A run's own part of a store: `<prefix>/<name>-<8 hex>/`, so that runs of one name from two places share nothing, and all of one
 * can be removed. Also the name of a worker's folder for the run.
 */
export interface Area {
  readonly folder: string;
  object(sha256: Sha256): string;
  /** Everything about the checkpoint of one job. */
  checkpoint(fingerprint: string, name: string): string;
  /** What a user put beside the outputs of a job whose folder is handed on. */
  place(fingerprint: string): string;
  /** All keys begin with it. */
  readonly prefix: string;
}

export function areaOf(prefix: string, folder: string): Area {
  const start = prefix === '' ? `${folder}/` : `${prefix}/${folder}/`;
  return {
    folder,
    prefix: start,
    object: (sha256) => `${start}objects/${sha256}`,
    checkpoint: (fingerprint, name) => `${start}checkpoints/${fingerprint}/${name}`,
    place: (fingerprint) => `${start}places/${fingerprint}.json`,
  };
}

const areaFile = '.store.json';

/** The name of a run's area, kept in the run folder: a controller that comes back finds what was made meanwhile. */
export async function nameArea(runFolder: string): Promise<string> {
  const path = join(runFolder, areaFile);
  const kept = await readFile(path, 'utf8')
    .then((text) => JSON.parse(text) as { readonly folder?: unknown; readonly of?: unknown })
    .catch(() => undefined);
  // A copy of a run folder is another run.
  if (kept?.of === runFolder && typeof kept.folder === 'string') return kept.folder;
  const folder = `${basename(runFolder)}-${randomBytes(4).toString('hex')}`;
  await writeJsonAtomic(path, { folder, of: runFolder });
  return folder;
}
