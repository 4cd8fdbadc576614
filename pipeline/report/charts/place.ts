import type { DrawnScale } from './drawn-scale.ts';

/** In the drawing; what lies beyond an axis is drawn at its end. Undefined where the axis cannot show it. */
export function place({ type, domain, range }: DrawnScale, value: number): number | undefined {
  const turn = type === 'log' ? Math.log : (x: number) => x;
  const [from, to] = [turn(domain[0]), turn(domain[1])];
  const share = (turn(value) - from) / (to - from);
  if (!Number.isFinite(share)) return undefined;
  return range[0] + Math.min(1, Math.max(0, share)) * (range[1] - range[0]);
}
