import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { canonicalShapes, type HostWeights } from '../../pipeline/model/host-weights.ts';

/** A model of timm's that rates are measured on: its weights are uneven numbers of the usual size, as 86 million normal ones would take ten seconds to draw. */
export function quickModel(named: string): {
  readonly architecture: Architecture;
  readonly weights: HostWeights;
} {
  const architecture = quickArchitecture(named);
  let state = 1;
  const entries = Object.entries(canonicalShapes(architecture)).map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((size, extent) => size * extent, 1));
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      data[i] = state * 1.6e-11;
    }
    return [name, { shape, data }] as const;
  });
  return { architecture, weights: Object.fromEntries(entries) };
}

export function quickArchitecture(named: string): Architecture {
  const facts = namedArchitecture(named)?.facts;
  if (facts === undefined) throw new Error(`no architecture ${named}`);
  return { ...facts, channels: 3, classes: 1000 };
}

/** Median milliseconds of `action` over some time, at least three times, and once where it is that slow; the first is not counted. */
export async function milliseconds(action: () => unknown, seconds: number): Promise<number> {
  await action();
  const times: number[] = [];
  for (const start = performance.now(); times.length < 3 || performance.now() - start < seconds * 1e3;) {
    const began = performance.now();
    await action();
    times.push(performance.now() - began);
    if (performance.now() - start > 4e3 * seconds) break;
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1]!;
}
