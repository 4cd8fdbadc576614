import type { Interval } from '../../measure/interval.ts';
import { accuracyDecimals, formatAccuracy } from '../../terminal/numbers.ts';
import type { Column } from '../../terminal/table.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import type { Cost } from './report-file.ts';

/** A table as data: the terminal and the report draw the same. */
export interface ReportTable {
  readonly title: string;
  readonly notes: readonly string[];
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

/** Of so many images: as many decimals as they can tell. */
export function percentOf(images: number): (interval: Interval) => string {
  return ({ mean, low, high }) =>
    formatAccuracy({ top1: mean, top1Low: low, top1High: high }, accuracyDecimals(images));
}

export function costCells(cost: Cost, teacher: Cost): string[] {
  const part = (own: number, whole: number) => (own === whole ? '' : ` (${ratio(whole, own)})`);
  return [
    `${formatBytes(cost.sizeBytes)}${part(cost.sizeBytes, teacher.sizeBytes)}`,
    `${formatCount(cost.macs)}${part(cost.macs, teacher.macs)}`,
  ];
}

/** "1/8.1", or "1.2x" of what is more than the whole. */
export function ratio(whole: number, part: number): string {
  return part > whole ? `${(part / whole).toFixed(1)}x` : `1/${(whole / part).toFixed(1)}`;
}

export const milliseconds = (value: number | null): string => (value === null ? '' : value.toFixed(2));
