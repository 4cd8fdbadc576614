import { prefixTokens, tokensPerImage } from '../../pipeline/model/architecture.ts';
import { calibrationOf, heldOutImages, sampledTokens } from '../../pipeline/recipe/calibration.ts';
import { refitInputs } from '../../pipeline/recipe/recipe.ts';
import { thisMachine, type Machine } from '../../pipeline/runner/space.ts';
import { fail } from '../../pipeline/util/failure.ts';
import { formatBytes } from '../../pipeline/util/format.ts';
import type { QualityData } from './data.ts';
import type { QualityOptions } from './options.ts';
import type { Baseline } from './recipes.ts';

/** The process and its engine, before any image. */
const baseBytes = 6e8;

/** Bytes that a fold takes at its worst recipe: unlike a run, the bench keeps weights, statistics and held-out inputs in memory. */
export function benchMemory(
  { loaded: { config }, architecture, folds }: Pick<QualityData, 'loaded' | 'architecture' | 'folds'>,
  { sparsities }: Pick<QualityOptions, 'sparsities'>,
  baselines: readonly Baseline[],
): number {
  const { depth, width, hidden } = architecture;
  const images = Math.max(...folds.map(({ calibration }) => calibration.length));
  const evaluated = Math.max(...folds.map(({ evaluation }) => evaluation.length));
  const calibration = calibrationOf(config);
  const sampled = Math.max(prefixTokens(architecture), sampledTokens(calibration, architecture, 0));
  const stream = 4 * tokensPerImage(architecture) * width;
  const heldOut = heldOutImages(calibration, images);
  const weights = 4 * depth * (4 * width ** 2 + 2 * width * hidden);
  // Sums and what comes of them, float64; the held-out inputs of all blocks, and while they are joined once more.
  const shared = 16 * depth * hidden ** 2 + 8 * heldOut * sampled * width * depth;
  const ofRecipe = ({ recipe, allocations }: Baseline): number => {
    const levels = sparsities.length + (allocations.includes('measured') ? 3 : 0);
    // The streams of composed inputs are files; the sums behind every level's fit are not.
    const sums = refitInputs(recipe) === null ? 0 : 12 * levels * (hidden + width) ** 2;
    return 8 * depth * width * hidden * levels + sums;
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
      expected: `about ${formatBytes(Math.round(bytes))}: the bench keeps in memory what a run keeps in files`,
      next: 'fewer images (--images 500,500) or fewer --sparsities',
    });
  }
  return `about ${formatBytes(Math.round(bytes))} of ${formatBytes(there)} of memory`;
}
