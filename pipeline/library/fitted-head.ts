import type { Interval } from '../measure/interval.ts';
import type { Manifest } from './manifest.ts';

/** A head that a run fitted to labels, as the manifest has it. */
export type FittedHead = NonNullable<Manifest['teacher']['fittedHead']>;

/** In words without an end: "fitted to the labels of 1,500 calibration images; ...". */
export function fittedHeadText({ images, heldOut, ridge, temperature }: FittedHead): string {
  return (
    `fitted to the labels of ${count(images)} calibration images; fitted without ${count(heldOut.images)} of them, ` +
    `top-1 ${percent(heldOut.top1Percent)} on those (ridge ${digits(ridge)}, temperature ${digits(temperature)})`
  );
}

const count = (value: number): string => value.toLocaleString('en');
const digits = (value: number): string => String(Number(value.toPrecision(3)));
const percent = ({ mean, low, high }: Interval): string =>
  `${mean.toFixed(1)} % [${low.toFixed(1)}, ${high.toFixed(1)}]`;
