import type { Interval } from '../../../measure/interval.ts';
import type { Cell } from '../../../report/page.ts';
import { accuracyDecimals } from '../../../terminal/numbers.ts';

// Numbers as the page writes them: always with their interval, with a sign where they are differences.

/** With the minus of print; never "−0.0". */
export function fixed(value: number, digits = 1): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
}

/** "+0.2", "−0.2", "0.0" */
export function signed(value: number, digits = 1): string {
  return Number(value.toFixed(digits)) > 0 ? `+${fixed(value, digits)}` : fixed(value, digits);
}

/** "71.3 % [68.4, 74.0]" */
export function percentText({ mean, low, high }: Interval, images = 1000): string {
  const digits = accuracyDecimals(images);
  return `${fixed(mean, digits)} % [${fixed(low, digits)}, ${fixed(high, digits)}]`;
}

/** "−0.2 pp [−1.0, +0.6]" */
export function pointsText({ mean, low, high }: Interval, images = 1000): string {
  const digits = accuracyDecimals(images);
  return `${signed(mean, digits)} pp [${signed(low, digits)}, ${signed(high, digits)}]`;
}

/** How a difference reads: whether its interval holds zero. */
export function toneOf({ low, high }: Interval): Cell['tone'] {
  return low > 0 ? 'good' : high < 0 ? 'bad' : 'weak';
}

export const percentCell = (interval: Interval, images?: number): Cell => ({
  text: percentText(interval, images),
  value: interval.mean,
});

export const pointsCell = (interval: Interval, images?: number): Cell => ({
  text: pointsText(interval, images),
  value: interval.mean,
  tone: toneOf(interval),
});

export const countText = (count: number): string => count.toLocaleString('en-US');

export const numberCell = (value: number, text = countText(value)): Cell => ({ text, value });

/** "a", "a and b", "a, b and c"; of many the first ones. */
export function listed(items: readonly string[], most = Infinity): string {
  const shown = items.length > most ? [...items.slice(0, most), `${items.length - most} more`] : items;
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}
