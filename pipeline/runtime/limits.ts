import { chooseCompositions, type NoComposition } from '../compose/choose.ts';
import type { ComposeSpace, Composition, Resource } from '../compose/space.ts';
import type { Library } from '../library/open.ts';
import { fail } from '../util/failure.ts';

/** What the running model may use. Everything left out is free. */
export interface RuntimeLimits {
  /** Weights in memory, in 10^6 bytes; activations come on top. */
  readonly memoryMB?: number;
  /** Of one batch of the profile's size: needs a profile of this device (`RuntimeOptions.profile`). */
  readonly latencyMs?: number;
  readonly params?: number;
  readonly macs?: number;
  /** Points that may be lost, as predicted, of what the library is measured by (top-1, k-NN top-1, zero-shot top-1). Alone: as little memory as that allows. */
  readonly maxDropPp?: number;
}

/**
 * The composition within the limits that is predicted to lose least.
 * @throws BlockForgeError `usage` where there is none, or for a limit on latency without a profile
 */
export function compositionWithin(library: Library, space: ComposeSpace, limits: RuntimeLimits): Composition {
  const { memoryMB, latencyMs, params, macs, maxDropPp } = limits;
  if (latencyMs !== undefined && space.latency === null) {
    return fail({
      reason: 'usage',
      subject: 'limit latencyMs',
      found: 'no profile of this device',
      next: `npm run pipeline -- profile ${library.folder}, then start the runtime with its name as \`profile\``,
    });
  }
  const sizeBytes = memoryMB === undefined ? undefined : memoryMB * 1e6;
  const found = chooseCompositions(
    space,
    { sizeBytes, latencyMs, params, macs, maxDropPp },
    { minimise: 'sizeBytes' },
  );
  return 'nearest' in found ? refuse(library, space, limits, found) : found[0]!;
}

function refuse(
  library: Library,
  { loss }: ComposeSpace,
  limits: RuntimeLimits,
  { unattainable, nearest }: NoComposition,
): never {
  const least = unattainable.map(
    ({ limit, least: value }) => `${names[limit]} is at least ${show(limit, value)}`,
  );
  const near = nearest?.composition;
  return fail({
    reason: 'usage',
    subject: `limits ${JSON.stringify(limits)}`,
    found: `nothing in ${library.folder} fits${least.length > 0 ? `: ${least.join(', ')}` : ' all of them together'}`,
    ...(near && {
      next:
        `the nearest needs memory ${show('sizeBytes', near.sizeBytes)}` +
        (near.latencyMs === null ? '' : `, latency ${show('latencyMs', near.latencyMs)}`) +
        ` and is predicted to lose ${near.predictedDropPp.toFixed(2)} points of ${loss.of}`,
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
