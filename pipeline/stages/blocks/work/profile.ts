import { join } from 'node:path';
import type { BlocksConfig } from '../schema.ts';
import { profileWidths } from '../../../measure/latency.ts';
import { tokensPerImage, type Architecture } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import type { Plain } from '../../common/artefacts.ts';
import { files } from '../artefacts.ts';

export type ProfileSettings = Pick<BlocksConfig['measure'], 'latency'> & {
  /** Of the descendants. */
  readonly widths: readonly number[];
  readonly architecture: Plain<Architecture>;
};

/**
 * Latency of an FFN block at every width on this machine, alone on it. Weights do not matter, so random ones are used.
 * Writes: latency.json with p50/p90 per width and the device they hold for.
 */
export async function run({ settings }: Job<ProfileSettings>, context: JobContext): Promise<Json> {
  const { latency, widths, architecture } = settings;
  const profile = await profileWidths({
    widths: [architecture.hidden, ...widths],
    width: architecture.width,
    tokens: tokensPerImage(architecture),
    gelu: architecture.gelu,
    layerNormEpsilon: architecture.layerNormEpsilon,
    ...latency,
    signal: context.signal,
  });
  await writeJsonAtomic(join(context.folder, files.latency), profile);
  return { widths: profile.widths.length };
}
