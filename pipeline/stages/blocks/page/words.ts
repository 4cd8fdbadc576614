import type { Interval } from '../../../measure/interval.ts';
import { removedPercent } from '../shape.ts';

// Numbers as the page writes them: always with their interval, with a sign where they are differences.

/** "71.3 % [68.4, 74.0]" */
export function percentText({ mean, low, high }: Interval): string {
  return `${fixed(mean)} % [${fixed(low)}, ${fixed(high)}]`;
}

/** Of a difference in points: "−0.2 pp [−1.0, +0.6]". */
export function pointsText({ mean, low, high }: Interval): string {
  return `${signed(mean)} pp [${signed(low)}, ${signed(high)}]`;
}

/** The same under a heading that has the unit: "−0.2 [−1.0, +0.6]". */
export const pointsCell = (interval: Interval): string => pointsText(interval).replace(' pp', '');
export const percentCell = (interval: Interval): string => percentText(interval).replace(' %', '');

/** Of a loss, which is a difference the other way round: "0.2 pp [−0.6, 1.0]". */
export function lossText({ mean, low, high }: Interval): string {
  return `${fixed(zero(-mean))} pp [${fixed(zero(-high))}, ${fixed(zero(-low))}]`;
}

/** "+0.2", "−0.2", "0.0" */
export function signed(value: number, digits = 1): string {
  const text = fixed(value, digits);
  return Number(value.toFixed(digits)) > 0 ? `+${text}` : text;
}

/** With the minus of print; never "−0.0". */
export function fixed(value: number, digits = 1): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
}

/** "1,000" */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** "49 %" of another number. */
export function shareText(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(0)} %`;
}

/** "80 %": how much of the hidden units is gone. */
export const removedText = (sparsity: number): string => `${removedPercent(sparsity)} %`;

/** Nats, which may be tiny: "0.00025", "0.033", "1.2e-7". */
export function natsText(nats: number): string {
  if (nats === 0) return '0';
  return Math.abs(nats) < 1e-5
    ? nats.toExponential(1).replaceAll('-', '−')
    : minus(String(Number(nats.toPrecision(2))));
}

/** An error as a share of the energy of a block's output: "0.33 %". */
export const errorText = (share: number): string =>
  `${minus(String(Number((100 * share).toPrecision(2))))} %`;

/** Milliseconds. */
export const millisecondsText = (ms: number): string => `${Number(ms.toPrecision(3))} ms`;

/** "a", "a and b", "a, b and c" */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** How a difference reads: whether its interval holds zero. */
export function toneOf({ low, high }: Interval): 'good' | 'bad' | 'weak' {
  return low > 0 ? 'good' : high < 0 ? 'bad' : 'weak';
}

const zero = (value: number) => (value === 0 ? 0 : value);
const minus = (text: string) => text.replace('-', '−');
