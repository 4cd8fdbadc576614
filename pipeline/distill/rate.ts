import { looks } from './schedule.ts';

/** Share of the time that may go into measuring the rate, and the fewest steps that make a rate. */
const probeShare = 0.02;
const fewestProbes = 2;

/**
 * How many steps fit into what is left of `seconds` since `began` (of `performance.now()`), the looks included; at least
 * 1. Tries `step` a few times and `look` once; both must have ended when their promise does.
 */
export async function stepsWithin(
  seconds: number,
  began: number,
  step: () => Promise<unknown>,
  look: () => Promise<unknown>,
): Promise<number> {
  // Pays for reading ahead and for the engine's memory.
  await step();
  const looking = performance.now();
  await look();
  const lookSeconds = (performance.now() - looking) / 1000;
  const probing = performance.now();
  let probes = 0;
  let spent = 0;
  while (probes < fewestProbes || spent < probeShare * seconds) {
    await step();
    probes++;
    spent = (performance.now() - probing) / 1000;
  }
  const left = seconds - (performance.now() - began) / 1000 - looks * lookSeconds;
  return Math.max(1, Math.floor((left * probes) / spent));
}
