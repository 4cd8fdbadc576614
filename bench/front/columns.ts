import type { Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { tokensWithin, unitsWithin } from './budgets.ts';

/** A budget that every way of making the model smaller has to stay within. */
export interface Column {
  /** Multiply-adds of an image, at most. */
  readonly macs: number;
  /** Of the teacher's. */
  readonly share: number;
  /** Hidden units of every block at that budget; undefined where units alone do not reach it. */
  readonly units: number | undefined;
}

/** Those of uniform models of the widths, and shares of the teacher's multiply-adds; the mildest first. */
export function columnsOf(
  architecture: Architecture,
  widths: readonly number[],
  shares: readonly number[],
  multiple: number,
): Column[] {
  const whole = modelCosts(architecture).macs;
  const budgets = [
    ...widths.map((hidden) => modelCosts({ ...architecture, hidden }).macs),
    ...shares.map((share) => share * whole),
  ];
  return [...new Set(budgets)]
    .sort((a, b) => b - a)
    .map((macs) => ({ macs, share: macs / whole, units: unitsWithin(architecture, macs, multiple) }));
}

/** Units and merged tokens together. */
export interface UnitsAndTokens {
  readonly units: number;
  readonly merged: readonly number[];
}

/** Half of what a column saves by units, the rest by tokens; undefined where that does not reach it. */
export function unitsAndTokens(
  architecture: Architecture,
  { macs }: Pick<Column, 'macs'>,
  multiple: number,
): UnitsAndTokens | undefined {
  const halfway = (modelCosts(architecture).macs + macs) / 2;
  const units = unitsWithin(architecture, halfway, multiple);
  if (units === undefined) return undefined;
  const merged = tokensWithin({ ...architecture, hidden: units }, macs);
  return merged && { units, merged };
}
