import { planCompositions, type NoPlan, type Plan, type Resource } from '../compose/choose.ts';
import type { Library } from '../library/open.ts';
import type { DeviceLatency } from '../profile/latency.ts';
import { fail } from '../util/failure.ts';

export type { Plan } from '../compose/choose.ts';

/** What the running model may use. Everything left out is free. */
export interface Limits {
  /** Of weights in memory, in 10^6 bytes; activations come on top. */
  readonly memoryMB?: number;
  /** Of one batch of the profile's size: needs a profile of this device (`RuntimeOptions.profile`). */
  readonly latencyMs?: number;
  readonly params?: number;
  readonly macs?: number;
  /** Points of top-1 that may be lost, as predicted. Alone: as little memory as that allows. */
  readonly maxDropPp?: number;
}

/**
 * The composition within the limits that is predicted to lose least.
 * @throws BlockForgeError `usage` where there is none, or for a limit on latency without a profile
 */
export function planWithin(library: Library, limits: Limits, device: DeviceLatency | undefined): Plan {
  const { memoryMB, latencyMs, params, macs, maxDropPp } = limits;
  if (latencyMs !== undefined && device === undefined) {
    return fail({
      reason: 'usage',
      subject: 'limit latencyMs',
      found: 'no profile of this device',
      next: `npm run pipeline -- profile ${library.folder}, then start the runtime with its name as \`profile\``,
    });
  }
  const found = planCompositions(
    library,
    {
      ...(memoryMB !== undefined && { sizeBytes: memoryMB * 1e6 }),
      ...(latencyMs !== undefined && { latencyMs }),
      ...(params !== undefined && { params }),
      ...(macs !== undefined && { macs }),
      ...(maxDropPp !== undefined && { maxDropPp }),
    },
    { device, minimise: 'sizeBytes' },
  );
  return 'nearest' in found ? refuse(library, limits, found) : found[0];
}

function refuse(library: Library, limits: Limits, { unattainable, nearest }: NoPlan): never {
  const least = unattainable.map(
    ({ limit, least: value }) => `${names[limit]} is at least ${show(limit, value)}`,
  );
  const plan = nearest?.plan;
  return fail({
    reason: 'usage',
    subject: `limits ${JSON.stringify(limits)}`,
    found: `nothing in ${library.folder} fits${least.length > 0 ? `: ${least.join(', ')}` : ' all of them together'}`,
    ...(plan && {
      next:
        `the nearest needs memory ${show('sizeBytes', plan.sizeBytes)}` +
        (plan.latencyMs === null ? '' : `, latency ${show('latencyMs', plan.latencyMs)}`) +
        ` and is predicted to lose ${plan.predictedDropPp.toFixed(2)} points`,
    }),
  });
}

const names: Readonly<Record<Resource, string>> = {
  params: 'parameters',
  macs: 'MACs',
  sizeBytes: 'memory',
  latencyMs: 'latency',
};

function show(resource: Resource, value: number): string {
  if (resource === 'sizeBytes') return `${(value / 1e6).toFixed(3)} MB`;
  if (resource === 'latencyMs') return `${value.toFixed(2)} ms`;
  return String(value);
}
