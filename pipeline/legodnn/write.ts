import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import type { Library } from '../library/open.ts';
import { findProfile } from '../profile/profile-file.ts';
import { latencyModel } from '../profile/latency.ts';
import { legodnnBlockId, legodnnFiles, legodnnLatencies, legodnnSparsity } from './metrics.ts';

export interface LegodnnOptions {
  /** Name or path of a device profile; default: the latencies of the manifest. */
  readonly profile?: string | undefined;
  /** Which of the profile's batch sizes; default: the smallest. */
  readonly batchSize?: number | undefined;
}

export interface LegodnnResult {
  readonly folder: string;
  readonly files: readonly string[];
  readonly blocks: number;
  readonly rows: number;
  readonly latencies: string;
}

/** Says where the tables come from, and which descendant each row is. Written last, so its absence tells of a break. */
export const originFile = 'blockforge-origin.json';

/**
 * Writes LegoDNN's metric files for a library, and beside them `blockforge-origin.json`: the lists that LegoDNN's block
 * manager must give (`blocks_id`, `blocks_sparsity`: the tables are joined with them by position), the descendant of
 * every row, and what the numbers were made from. No engine is loaded.
 *
 * @throws BlockForgeError `file-missing`, `file-invalid`, `library-invalid`, `out-of-space`
 */
export async function writeLegodnn(
  library: Library,
  folder: string,
  { profile, batchSize }: LegodnnOptions = {},
): Promise<LegodnnResult> {
  const { manifest } = library;
  const device =
    profile === undefined ? undefined : latencyModel(await findProfile(library, profile), batchSize);
  const latencies = legodnnLatencies(manifest, device);
  const files = legodnnFiles(manifest, latencies);
  await rm(join(folder, originFile), { force: true });
  for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(folder, name), text);
  const { blocks } = manifest;
  await writeJsonAtomic(join(folder, originFile), {
    kind: 'blockforge-legodnn-metrics',
    schemaVersion: 1,
    tool: manifest.tool,
    manifestSha256: library.manifestSha256,
    images: manifest.data.selection.images,
    latencies: latencies.source,
    blocks_id: blocks.map(({ index }) => legodnnBlockId(index)),
    blocks_sparsity: blocks.map(({ descendants }) =>
      descendants.map(({ sparsity }) => legodnnSparsity(sparsity)),
    ),
    descendants: blocks.map(({ descendants }) => descendants.map(({ id }) => id)),
  });
  return {
    folder,
    files: [...Object.keys(files), originFile],
    blocks: blocks.length,
    rows: blocks.reduce((sum, { descendants }) => sum + descendants.length, 0),
    latencies: latencies.source,
  };
}
