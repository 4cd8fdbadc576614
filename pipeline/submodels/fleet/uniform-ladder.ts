import type { Architecture } from '../../model/architecture.ts';
import type { Ladder } from './level.ts';

export interface LadderSettings {
  /** Levels are multiples of 1 / steps of every dimension; default 12. */
  readonly steps?: number | undefined;
  /** At most these shares of the teacher's multiply-adds and bytes. */
  readonly limit: { readonly macs: number; readonly size: number };
}

/** @param classes rows of a sub-model's head */
export function uniformLadder(_teacher: Architecture, _classes: number, _settings: LadderSettings): Ladder {
  throw new Error('not yet');
}
