/** Seconds that work took, and those that its plan had estimated. */
export interface Speed {
  readonly seconds: number;
  readonly estimated: number;
}

/** By stage. */
export type StageSpeeds = ReadonlyMap<string, Speed>;

/** Of all the plan's estimates, the share that has to be measured before it alone says how fast this run is. */
const enough = 0.08;

/**
 * How much longer jobs of a stage take than was estimated. All that was measured says how much slower the whole run is, as far as it is
 * enough of the plan to tell; then its own stage says what it is beside that: the more of it was done, the more.
 *
 * The whole is the geometric mean of the stages, weighted by what they were estimated at: one that took ten times as long (a cold disk)
 * must not speak for all.
 * @param measured what ended or is far enough
 * @param perJob estimated seconds of a job of each stage: what is measured of a stage weighs against so much of the whole's
 * @param total estimated seconds of all that is to be done
 */
export function correctionOf(
  measured: StageSpeeds,
  perJob: ReadonlyMap<string, number>,
  total: number,
): (stage: string) => number {
  let [logs, estimated] = [0, 0];
  for (const speed of measured.values()) {
    if (speed.seconds <= 0 || speed.estimated <= 0) continue;
    logs += speed.estimated * Math.log(speed.seconds / speed.estimated);
    estimated += speed.estimated;
  }
  const weight = total > 0 ? Math.min(1, estimated / (enough * total)) : 1;
  const whole = estimated > 0 ? Math.exp((weight * logs) / estimated) : 1;
  return (stage) => {
    const own = measured.get(stage);
    if (own === undefined || own.estimated <= 0) return whole;
    const believed = perJob.get(stage) ?? 0;
    return (own.seconds + believed * whole) / (own.estimated + believed);
  };
}
