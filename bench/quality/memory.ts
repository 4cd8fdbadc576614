import { prefixTokens, tokensPerImage } from '../../pipeline/model/architecture.ts';
import {
  calibrationOf,
  heldOutImages,
  chainImages,
  sampledTokens,
} from '../../pipeline/recipe/calibration.ts';
import { distillInputs, refitInputs } from '../../pipeline/recipe/recipe.ts';
import { thisMachine, type Machine } from '../../pipeline/runner/space.ts';
import { fail } from '../../pipeline/util/failure.ts';
import { formatBytes } from '../../pipeline/util/format.ts';
import type { QualityData } from './data.ts';
import type { QualityOptions } from './options.ts';
import type { Baseline } from './recipes.ts';

/** The process and its engine, before any image. */
const baseBytes = 6e8;

/**
 * Bytes that a fold takes at its worst recipe: unlike a run, the bench keeps everything in memory. The images it fits to are
 * those of a run: at most `inputs.images` where inputs are composed.
 */
export function benchMemory(
  { loaded: { config }, architecture, folds }: Pick<QualityData, 'loaded' | 'architecture' | 'folds'>,
  { sparsities, distill }: Pick<QualityOptions, 'sparsities' | 'distill'>,
  baselines: readonly Baseline[],
): number {
  const { depth, width, hidden } = architecture;
  const images = Math.max(...folds.map(({ calibration }) => calibration.length));
  const evaluated = Math.max(...folds.map(({ evaluation }) => evaluation.length));
  const calibration = calibrationOf(config);
  const sampled = Math.max(prefixTokens(architecture), sampledTokens(calibration, architecture));
  const stream = 4 * tokensPerImage(architecture) * width;
  const heldOut = heldOutImages(calibration, images);
  const weights = 4 * depth * (4 * width ** 2 + 2 * width * hidden);
  // Sums and what comes of them, float64; the held-out inputs of all blocks, and while they are joined once more.
  const shared = 16 * depth * hidden ** 2 + 8 * heldOut * sampled * width * depth;
  const ofRecipe = ({ recipe, allocations }: Baseline): number => {
    const levels = sparsities.length + (allocations.includes('measured') ? 3 : 0);
    const library = 8 * depth * width * hidden * levels;
    const composed = refitInputs(recipe) ?? distillInputs(recipe);
    if (composed === null) {
      const trained = distill.length > 0 ? 8 * (images - heldOut) * sampled * width * depth : 0;
      return library + trained;
    }
    const used = chainImages(
      { images: composed.images, heldOut: calibration.heldOut },
      { training: images - heldOut, heldOut },
    );
    // Streams of all levels, twice while they move on; a block's pairs of inputs and targets.
    const streams = 2 * (used.training + used.heldOut) * (1 + levels) * stream;
    return library + streams + 8 * used.training * (1 + levels) * sampled * width;
  };
  return baseBytes + 3 * weights + evaluated * stream + shared + Math.max(0, ...baselines.map(ofRecipe));
}

/** Says what it will take. @throws BlockForgeError `out-of-space` where this machine has less */
export function requireMemory(bytes: number, machine: Pick<Machine, 'memoryBytes'> = thisMachine): string {
  const there = machine.memoryBytes();
  if (bytes > there) {
    fail({
      reason: 'out-of-space',
      subject: 'quality',
      found: `this machine has ${formatBytes(there)} of memory`,
      expected: `about ${formatBytes(Math.round(bytes))}: the bench keeps all inputs in memory, a run does not`,
      next: 'fewer images (--images 500,500 or --set inputs.images=512), fewer --sparsities, or no --distill',
    });
  }
  return `about ${formatBytes(Math.round(bytes))} of ${formatBytes(there)} of memory`;
}
