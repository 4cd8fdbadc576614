import type { Config } from '../../config/schema.ts';
import { tokensPerImage, type Architecture } from '../../model/architecture.ts';
import type { JobId } from '../../runner/contract.ts';
import { distillJob, indices, refitJob } from './artefacts.ts';
import { descents } from './shape.ts';

/** Two chains of blocks: models of refits, and models of final descendants. Each repairs what its own prefix leaves wrong. */
export type Chain = 'refit' | 'distill';
export const chainJob = { refit: refitJob, distill: distillJob } as const;

/** Jobs whose outputs a job of the chain reads: every earlier one, in case the streams have to be made again. */
export function chainBefore(chain: Chain, block: number): JobId[] {
  return indices(block).map((before) => chainJob[chain](before));
}

/** How many calibration images a chain streams, and how many of them are held out; `available` of each there are. */
export function chainImages(
  config: Config,
  available: { readonly training: number; readonly heldOut: number },
): { training: number; heldOut: number } {
  const most = config.inputs.images;
  const heldOut = Math.min(available.heldOut, Math.max(1, Math.round(most * config.statistics.heldOut)));
  return { heldOut, training: Math.min(available.training, Math.max(1, most - heldOut)) };
}

/** Bytes of the streams of one block, all levels; twice as many while they move on. */
export function streamBytes(config: Config, architecture: Architecture): number {
  const images = Math.min(config.data.splits.calibration, config.inputs.images);
  const levels = 1 + descents(config, architecture.hidden).length;
  return images * levels * tokensPerImage(architecture) * architecture.width * 4;
}
