import { join } from 'node:path';
import type { BlocksConfig } from '../schema.ts';
import { profileWidths, type BlockVariant } from '../../../measure/latency.ts';
import { blockTokens, blockWidth, type Architecture } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import type { Plain } from '../../common/artefacts.ts';
import { files } from '../artefacts.ts';

export type ProfileSettings = Pick<BlocksConfig['measure'], 'latency'> & {
  /** Of the descendants, by level. */
  readonly widths: readonly number[];
  /** By block: the teacher's hidden units, then those of the levels; where blocks differ. */
  readonly blocks?: readonly (readonly number[])[];
  readonly architecture: Plain<Architecture>;
};

/**
 * Latency of an FFN block at every width, and where blocks differ in every place, on this machine, alone on it. Weights do not matter, so random ones are used.
 * Writes: latency.json with p50/p90 per width and the device they hold for.
 */
export async function run({ settings }: Job<ProfileSettings>, context: JobContext): Promise<Json> {
  const { latency, architecture } = settings;
  const profile = await profileWidths({
    variants: variantsOf(settings),
    gelu: architecture.gelu,
    gated: architecture.gated,
    layerNormEpsilon: architecture.layerNormEpsilon,
    ...latency,
    signal: context.signal,
  });
  await writeJsonAtomic(join(context.folder, files.latency), profile);
  return { widths: profile.widths.length };
}

/** Every distinct block once, in the order of the blocks, the teacher's first. */
function variantsOf({ widths, blocks, architecture }: ProfileSettings): BlockVariant[] {
  const all = (blocks ?? [[architecture.hidden, ...widths]]).flatMap((own, block) =>
    own.map((hidden) => ({
      hidden,
      width: blockWidth(architecture, block),
      tokens: blockTokens(architecture, block),
    })),
  );
  return [...new Map(all.map((variant) => [Object.values(variant).join(), variant])).values()];
}
