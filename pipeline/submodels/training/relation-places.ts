import type { Architecture } from '../../model/architecture.ts';
import { familyOf, layerShapes, prefixTokens, tokensPerImage } from '../../model/architecture.ts';
import { backboneOf } from '../../model/backbones.ts';
import { fail } from '../../util/failure.ts';
import type { RelationName } from './needs-teacher.ts';

/** Where in a model token relations are taken. A type, not an interface, so that it is JSON. */
export type RelationPlace = {
  /** The layer, from 0. */
  readonly block: number;
  /** So many of the tokens before the patches take part, the first ones; then come the patches. */
  readonly shared: number;
  /** Of a head, what scores are scaled by. */
  readonly sizes: Readonly<Record<RelationName, number>>;
};

/**
 * The middle layer of each, layer `depth / 2` counted from 1 (DeViT's), and the tokens that both have. Widths, depths, heads and families
 * may differ.
 *
 * @throws BlockForgeError `config-invalid` where a family has no attention to compare, or where the patches differ in number
 */
export function relationPlaces(
  name: string,
  teacher: Architecture,
  own: Architecture,
): { readonly teacher: RelationPlace; readonly own: RelationPlace } {
  const both = [teacher, own] as const;
  const refuse = (found: string, expected: string): never =>
    fail({
      reason: 'config-invalid',
      subject: `train.weights.relations, for ${name}`,
      found,
      expected,
      next: 'leave train.weights.relations out, or give another sub-model',
    });
  for (const one of both) {
    if (backboneOf(one).relationInputs === undefined)
      refuse(
        `a ${familyOf(one).title}, whose blocks have no queries, keys and values`,
        'attention in both models',
      );
  }
  const [theirs, mine] = both.map((one) => tokensPerImage(one) - prefixTokens(one));
  if (theirs !== mine) {
    refuse(
      `${mine} patches per image in the sub-model and ${theirs} in its teacher`,
      'as many, as relations are compared token by token',
    );
  }
  const shared = Math.min(...both.map(prefixTokens));
  return { teacher: placeIn(teacher, shared), own: placeIn(own, shared) };
}

function placeIn(architecture: Architecture, shared: number): RelationPlace {
  const block = Math.max(0, Math.floor(architecture.depth / 2) - 1);
  const { keySize, valueSize } = layerShapes(architecture)[block]!;
  return { block, shared, sizes: { q: keySize, k: keySize, v: valueSize } };
}
