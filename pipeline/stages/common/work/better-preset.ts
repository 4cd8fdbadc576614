import type { Preprocessing } from '../../../../datasets/contract.ts';
import { normalisations, resolvePreprocessing } from '../../../../datasets/preprocessing.ts';
import { clearlyBetter, discordant } from './clearly-better.ts';
import type { Predictions } from './better-order.ts';

/** Images that each preset is tried on, at most. */
export const mostTried = 256;
/** Several presets are tried, and one that is chosen by luck would stop a run. */
const level = 0.001;

/** Another preparation of the images that the teacher is right with clearly more often. */
export interface BetterPreset {
  /** What `data.preprocessing` would have to be, as YAML. */
  readonly setting: string;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** With it and as things are, on the same images, in percent. */
  readonly top1: number;
  readonly chosenTop1: number;
}

/**
 * Tries the other usual mean and std on some labelled images: a wrong preset must be caught, not shipped.
 * @param now predictions with the chosen preparation, of the first images or more
 * @param predict the same of the first `mostTried` images, prepared otherwise
 * @returns the best of those that are clearly better; its setting was tried as it stands, and gives what is said of it
 */
export async function betterPreset(
  chosen: Preprocessing,
  now: Predictions,
  predict: (prepared: Preprocessing) => Promise<Predictions>,
): Promise<BetterPreset | undefined> {
  const images = Math.min(mostTried, now.labels.length);
  const right = ({ labels, predicted }: Predictions) => {
    let count = 0;
    for (let image = 0; image < images; image++) if (labels[image] === predicted[image]) count++;
    return count;
  };
  const better = (one: Predictions, other: Predictions) => {
    const { gains, losses } = discordant(
      Array.from({ length: images }, (_, image) => now.labels[image]!),
      (image) => one.predicted[image]!,
      (image) => other.predicted[image]!,
    );
    return clearlyBetter(gains, losses, level);
  };
  let best:
    { readonly name: string; readonly prepared: Preprocessing; readonly found: Predictions } | undefined;
  // Fewer images than this that are wrong cannot be clearly better with anything.
  if (!clearlyBetter(images - right(now), 0, level)) return undefined;
  for (const [name, { mean, std }] of Object.entries(normalisations(chosen.channels))) {
    const same = (a: readonly number[], b: readonly number[]) =>
      a.every((value, index) => Math.abs(value - b[index]!) < 1e-3);
    if (same(mean, chosen.mean) && same(std, chosen.std)) continue;
    const prepared = { ...chosen, mean, std };
    const found = await predict(prepared);
    if (better(found, now) && right(found) > (best === undefined ? 0 : right(best.found))) {
      best = { name, prepared, found };
    }
  }
  if (best === undefined) return undefined;
  const { name, prepared, found } = best;
  // The preset of that name also resizes in its own way: advised only where that is no worse.
  const whole = await predict(
    resolvePreprocessing(name as 'half' | 'imagenet' | 'unit', {
      imageSize: chosen.crop,
      channels: chosen.channels,
    }),
  );
  const byName = right(whole) >= right(found);
  const { mean, std } = prepared;
  return {
    setting: byName ? name : asYaml(prepared),
    mean,
    std,
    top1: (100 * right(byName ? whole : found)) / images,
    chosenTop1: (100 * right(now)) / images,
  };
}

/** What `data.preprocessing` says of it; the number of channels is the model's. */
function asYaml(prepared: Preprocessing): string {
  const members = Object.entries(prepared).filter(
    ([key, value]) => key !== 'channels' && value !== undefined,
  );
  return `{ ${members.map(([key, value]) => `${key}: ${JSON.stringify(value).replaceAll(',', ', ')}`).join(', ')} }`;
}
