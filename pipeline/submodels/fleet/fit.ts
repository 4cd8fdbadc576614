import type { Device, LimitName } from './device.ts';
import type { Ladder, Level } from './level.ts';

export interface FitTask {
  readonly devices: readonly Device[];
  /** How many there are to place; before slicing they are alike. */
  readonly submodels: number;
  readonly ladder: Ladder;
}

/** Where a sub-model goes, and how large it may be. */
export interface Placement {
  readonly submodel: number;
  /** Index into the devices. */
  readonly device: number;
  readonly level: Level;
}

/** What a fit is worth, in the order in which it counts. */
export interface FitWorth {
  /** Share of the teacher's dimensions that the smallest sub-model has. */
  readonly smallestLevel: number;
  /** Of all sub-models, per image. */
  readonly totalMacs: number;
  /** Of the slowest device, per image; undefined where no device tells its rate. */
  readonly slowestMs?: number | undefined;
  /** Of the device with the most; what counts where there are no rates. */
  readonly slowestMacs: number;
}

export interface Fitted {
  readonly fits: true;
  /** In the order of the sub-models. */
  readonly placements: readonly Placement[];
  readonly worth: FitWorth;
  /** False where the bound on the search's work was met: then it is a fit, perhaps not the best. */
  readonly proven: boolean;
}

/** Why even sub-models of the smallest level do not fit. Numbers are in the limit's own unit. */
export interface Unfit {
  readonly fits: false;
  readonly level: Level;
  readonly submodels: number;
  /** How many of the smallest fit on all devices together. */
  readonly hosted: number;
  readonly device: string;
  readonly limit: LimitName;
  /** What one more of the smallest sub-model would make of it. */
  readonly needed: number;
  readonly available: number;
}

export type Fit = Fitted | Unfit;
