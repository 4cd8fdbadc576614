import { join } from 'node:path';
import type { Stage } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { tokensPerImage } from '../../../model/architecture.ts';
import { files, profileJob } from '../artefacts.ts';
import { descents } from '../shape.ts';

/**
 * Latency of an FFN block at every width on this machine, alone on it. Weights do not matter, so random ones are used.
 * Writes: latency.json with p50/p90 per width and the device they hold for.
 */
export const profile: Stage = {
  name: 'profile',
  version: 1,
  plan: ({ loaded, architecture }) => [
    {
      id: profileJob,
      needs: [],
      settings: {
        latency: loaded.config.measure.latency,
        widths: descents(loaded.config, architecture.hidden).map(({ width }) => width),
        architecture: { ...architecture },
      },
      exclusive: true,
      estimate: { seconds: 3, memoryBytes: 5e8, diskBytes: 1e4 },
    },
  ],
  async run(_job, context) {
    const { profileWidths } = await import('../../../measure/latency.ts');
    const { architecture, loaded } = context;
    const latency = await profileWidths({
      widths: [
        architecture.hidden,
        ...descents(loaded.config, architecture.hidden).map(({ width }) => width),
      ],
      width: architecture.width,
      tokens: tokensPerImage(architecture),
      gelu: architecture.gelu,
      layerNormEpsilon: architecture.layerNormEpsilon,
      ...loaded.config.measure.latency,
      signal: context.signal,
    });
    await writeJsonAtomic(join(context.folder, files.latency), latency);
    return { widths: latency.widths.length };
  },
};
