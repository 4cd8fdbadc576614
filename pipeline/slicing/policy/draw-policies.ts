import type { Architecture } from '../../model/architecture.ts';
import { modelCosts } from '../../model/costs.ts';
import { layerShapes } from '../../model/family/layer-shapes.ts';
import { fail } from '../../util/failure.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import { random, type Random } from '../../util/random.ts';
import { foldedArchitecture } from '../folded-architecture.ts';
import type { ShapeLimits } from '../shape.ts';

/** How many heads and hidden units stay of every layer. */
export interface Policy {
  readonly layers: readonly { readonly heads: number; readonly units: number }[];
}

export interface PolicyOptions {
  /** A ViT, folded or not. */
  readonly whole: Architecture;
  /** Rows of the head. */
  readonly classes: number;
  readonly limits: ShapeLimits;
  /** Hidden units are multiples of it, as far as they have so many. */
  readonly multiple: number;
  /** Drawn at most: there may not be so many different ones. */
  readonly policies: number;
  /** No layer loses more than this share of its heads, or of its hidden units. */
  readonly mostSparsity: number;
  /** By how much of the limits a policy may stay below them. */
  readonly tolerance: number;
  readonly seed: number;
}

/**
 * Random policies that use up the limits: for each layer a sparsity of the heads and one of the hidden units, from 0 to
 * `mostSparsity`, so that multiply-adds (or bytes, where these are scarcer) are within `tolerance` of what is allowed.
 *
 * The space is the published one (Xu et al., "DeViT", 2024); there, vectors are drawn uniformly until the costs are right,
 * one of 12,000 at the published target. Here each is drawn uniformly and brought onto the target: sparsities `m u^p`, all
 * with the p at which the costs are met, then those of the hidden units alone with a smaller one, as heads come in large
 * pieces. So none is lost, and the policies are less alike than those that happen to hit a far target. Counts are rounded,
 * not rounded down: a layer can keep all of its heads.
 * @throws BlockForgeError `config-invalid` where no policy is within the limits, or none as near to them as asked for
 */
export function drawPolicies(options: PolicyOptions): readonly Policy[] {
  const { whole, policies, tolerance, seed } = options;
  const depth = layerShapes(whole).length;
  const all = policyOf(options, () => 0);
  if (shareOf(options, all) <= 1) return [all];
  const least = policyOf(options, () => options.mostSparsity);
  if (shareOf(options, least) > 1) refuse(options, least);
  const found = new Map<string, Policy>();
  let nearest = 0;
  for (let draw = 0; draw < 10 * policies + 100 && found.size < policies; draw++) {
    const policy = drawn(options, random(seed, 'policy', draw), 2 * depth);
    const share = shareOf(options, policy);
    nearest = Math.max(nearest, share);
    if (share >= 1 - tolerance) found.set(JSON.stringify(policy), policy);
  }
  if (found.size === 0) {
    fail({
      reason: 'config-invalid',
      subject: 'slice.policy.tolerance',
      found: `${tolerance}, but the largest of the policies drawn is ${((1 - nearest) * 100).toFixed(1)} % below the limits`,
      expected: 'a policy that near to the limits',
      next: 'raise slice.policy.tolerance, or set slice.widthMultiple: 1',
    });
  }
  return [...found.values()];
}

/** The largest policy within the limits on the way from all sparsities at most to none, along one random direction. */
function drawn(options: PolicyOptions, draw: Random, sparsities: number): Policy {
  const from = Float64Array.from({ length: sparsities }, () => draw.next());
  const at = (heads: number, units: number): Policy =>
    policyOf(options, (index) => options.mostSparsity * from[index]! ** (index % 2 === 0 ? heads : units));
  const largest = (policy: (power: number) => Policy, low: number): number => {
    let [inside, outside] = [low, 1e3];
    for (let step = 0; step < 40; step++) {
      // From the largest sparsities to none, evenly in the logarithm.
      const middle = Math.sqrt(Math.max(inside, 1e-3) * outside);
      if (shareOf(options, policy(middle)) <= 1) inside = middle;
      else outside = middle;
    }
    return inside;
  };
  const both = largest((power) => at(power, power), 0);
  return at(
    both,
    largest((power) => at(both, power), both),
  );
}

/** By the sparsity of each layer's heads (even indices) and hidden units (odd ones). */
function policyOf(
  { whole, multiple, mostSparsity }: PolicyOptions,
  sparsity: (index: number) => number,
): Policy {
  const kept = (extent: number, step: number, index: number): number => {
    const least = Math.ceil(((1 - mostSparsity) * extent) / step - 1e-9);
    const wanted = Math.round(((1 - sparsity(index)) * extent) / step);
    return Math.min(extent, Math.max(wanted, least, 1) * step);
  };
  return {
    layers: layerShapes(whole).map(({ heads, hidden }, layer) => ({
      heads: kept(heads, 1, 2 * layer),
      units: kept(hidden, Math.min(multiple, hidden), 2 * layer + 1),
    })),
  };
}

/** What is left of the model, by arithmetic alone. */
function architectureOf({ whole, classes }: PolicyOptions, { layers }: Policy): Architecture {
  return {
    ...foldedArchitecture(whole),
    classes,
    layers: layerShapes(whole).map(({ keySize, valueSize }, layer) => {
      const { heads, units } = layers[layer]!;
      return { heads, keySize, valueSize, hidden: units };
    }),
  };
}

/** Costs as a share of the limits, of the scarcer one. */
function shareOf(options: PolicyOptions, policy: Policy): number {
  const { macs, sizeBytes } = modelCosts(architectureOf(options, policy));
  return Math.max(macs / options.limits.macs, sizeBytes / options.limits.sizeBytes);
}

function refuse(options: PolicyOptions, least: Policy): never {
  const { limits, mostSparsity } = options;
  const { macs, sizeBytes } = modelCosts(architectureOf(options, least));
  return fail({
    reason: 'config-invalid',
    subject: 'submodel',
    found: `${formatCount(limits.macs)} multiply-adds and ${formatBytes(limits.sizeBytes)}, which no policy reaches: with slice.policy.mostSparsity ${mostSparsity} the smallest has ${formatCount(macs)} and ${formatBytes(sizeBytes)}`,
    expected: 'limits that a policy is within',
    next: 'raise submodel.macs and submodel.size, or slice.policy.mostSparsity, or slice by compensation (slice.by)',
  });
}
