import type { Preprocessing } from '../../../../datasets/contract.ts';
import { normalisations, resolvePreprocessing } from '../../../../datasets/preprocessing.ts';
import { preparationText } from '../../../checkpoint/preparation.ts';
import {
  looseLevels,
  strictLevels,
  type BetterOrder,
  type Levels,
  type Predictions,
} from './better-order.ts';
import { clearlyBetter, discordant } from './clearly-better.ts';

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
  /** With it (and the other order, where there is one) and as things are, on the same images, in percent. */
  readonly top1: number;
  readonly chosenTop1: number;
  /** Where the setting is a name that also resizes otherwise: the same mean and std with the sizes as they are. */
  readonly kept?: { readonly setting: string; readonly top1: number };
}

/** What explains most of the images: another preparation, another order of the classes, or both. */
export interface BetterFacts {
  readonly preset?: BetterPreset | undefined;
  readonly order?: BetterOrder | undefined;
}

type OrderOf = (found: Predictions, levels: Levels) => BetterOrder | undefined;

interface Tried {
  readonly name: string;
  readonly prepared: Preprocessing;
  readonly found: Predictions;
  readonly order?: BetterOrder | undefined;
}

/**
 * Tries the other usual mean and std on some labelled images, each with the classes as they are and in the order that suits
 * it: a wrong fact must be caught, not shipped, and not be hidden behind another that is wrong instead. Under a wrong order a
 * preset that scrambles the answers gains images by luck, so none is named that explains fewer images than an order does.
 * @param now predictions with the chosen preparation, of the first images or more
 * @param predict the same of the first `mostTried` images, prepared otherwise
 * @param orderOf an order of the classes that is clearly better for some predictions
 * @returns of what is clearly better the best; the preset's setting was tried as it stands, and gives what is said of it
 */
export async function betterFacts(
  chosen: Preprocessing,
  now: Predictions,
  predict: (prepared: Preprocessing) => Promise<Predictions>,
  orderOf: OrderOf,
): Promise<BetterFacts> {
  const images = Math.min(mostTried, now.labels.length);
  const rights = ({ labels, predicted }: Predictions, order?: BetterOrder) =>
    Array.from({ length: images }, (_, image) => {
      const label = labels[image]!;
      return Number((order === undefined ? label : order.outputs[label]) === predicted[image]);
    });
  const ones = new Array<number>(images).fill(1);
  const better = (mine: readonly number[], theirs: readonly number[]) => {
    const { gains, losses } = discordant(
      ones,
      (image) => mine[image]!,
      (image) => theirs[image]!,
    );
    return clearlyBetter(gains, losses, level);
  };
  const clear = orderOf(now, strictLevels);
  const asIs = rights(now);
  // Fewer images than this that are wrong cannot be clearly better with anything.
  if (!clearlyBetter(images - count(asIs), 0, level)) return { order: clear };
  const ordered = clear === undefined ? asIs : rights(now, clear);
  let plain: Tried | undefined;
  let both: Tried | undefined;
  const countOf = (tried: Tried | undefined) =>
    tried === undefined ? 0 : count(rights(tried.found, tried.order));
  for (const [name, { mean, std }] of Object.entries(normalisations(chosen.channels))) {
    if (isSame(mean, chosen.mean) && isSame(std, chosen.std)) continue;
    const prepared = { ...chosen, mean, std };
    const found = await predict(prepared);
    const one: Tried = { name, prepared, found };
    if (better(rights(found), asIs) && countOf(one) > countOf(plain)) plain = one;
    const other: Tried = { ...one, order: orderOf(found, strictLevels) };
    if (other.order === undefined || countOf(other) <= countOf(both)) continue;
    const together = rights(found, other.order);
    if (better(together, asIs) && better(together, ordered)) both = other;
  }
  const preset = countOf(both) > countOf(plain) ? both : plain;
  if (preset === undefined) return { order: clear };
  if (preset === plain) {
    // What would not be enough to speak of an order is enough not to name a preset that explains less.
    const order = clear ?? orderOf(now, looseLevels);
    if (order !== undefined && count(rights(now, order)) >= countOf(preset)) return { order };
  }
  const { name, prepared, found, order } = preset;
  // The preset of that name also resizes in its own way: advised only where that is no worse.
  const { crop: imageSize, channels } = chosen;
  const named = resolvePreprocessing(name as 'half' | 'imagenet' | 'unit', { imageSize, channels });
  const whole = await predict(named);
  const byName = count(rights(whole, order)) >= count(rights(found, order));
  const { mean, std } = prepared;
  const percent = (predictions: Predictions) => (100 * count(rights(predictions, order))) / images;
  const isResized = preparationText(named) !== preparationText(prepared);
  return {
    preset: {
      setting: byName ? name : asYaml(prepared),
      mean,
      std,
      top1: percent(byName ? whole : found),
      chosenTop1: (100 * count(asIs)) / images,
      ...(byName && isResized && { kept: { setting: asYaml(prepared), top1: percent(found) } }),
    },
    order,
  };
}

function count(rights: readonly number[]): number {
  return rights.reduce((sum, right) => sum + right, 0);
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, index) => Math.abs(value - b[index]!) < 1e-3);
}

/** What `data.preprocessing` says of it; the number of channels is the model's. */
function asYaml(prepared: Preprocessing): string {
  const members = Object.entries(prepared).filter(
    ([key, value]) => key !== 'channels' && value !== undefined,
  );
  return `{ ${members.map(([key, value]) => `${key}: ${JSON.stringify(value).replaceAll(',', ', ')}`).join(', ')} }`;
}
