import type { Interval } from '../measure/interval.ts';

/** Top-1 in percent of the images, with its interval where one is known. */
export interface Top1 {
  readonly top1: number;
  readonly top1Low?: number | undefined;
  readonly top1High?: number | undefined;
}

/** "68.2 %", with a second decimal where the images are many enough to carry it. */
export function formatPercent(percent: number, decimals = 1): string {
  return `${percent.toFixed(decimals)} %`;
}

/** "-0.42 [-1.10, +0.25]": a difference in percentage points with its interval. */
export function formatDelta({ mean, low, high }: Interval): string {
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}

/** "68.2 % [66.1, 70.2]" */
export function formatAccuracy({ top1, top1Low, top1High }: Top1, decimals = 1): string {
  const interval =
    top1Low === undefined || top1High === undefined
      ? ''
      : ` [${top1Low.toFixed(decimals)}, ${top1High.toFixed(decimals)}]`;
  return `${formatPercent(top1, decimals)}${interval}`;
}

/** Two decimals and always a sign, but never "-0.00". */
export function signed(value: number, decimals = 2): string {
  const text = value.toFixed(decimals);
  if (Number(text) === 0) return (0).toFixed(decimals);
  return value > 0 ? `+${text}` : text;
}

/** One image in 5,000 is 0.02 %: from there on a second decimal says something. */
export function accuracyDecimals(images: number): number {
  return images >= 5000 ? 2 : 1;
}

/** A metric of unknown size: four significant digits, no exponent in the usual range. */
export function formatMetric(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  return size >= 1e6 || (size < 1e-4 && size > 0)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
}
