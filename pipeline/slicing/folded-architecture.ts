import { familyName, headNames, layerShapes, type Architecture } from '../model/architecture.ts';
import { deitFamily } from '../model/family/deit.ts';
import { slicedVitFamily } from '../model/family/sliced-vit.ts';
import { vitFamily } from '../model/family/vit.ts';

/** The families that `foldVit` knows. */
export const foldable: readonly string[] = [vitFamily.name, deitFamily.name];

/** Whether sub-models can be cut out of such a teacher: one without what a sliced ViT has no place for. */
export function canBeFolded(architecture: Architecture): boolean {
  const { gated, classToken, registers, normPre, rotary, relativePositionBias, reads, representation, pool } =
    architecture;
  const others = [gated, classToken, registers, normPre, rotary, relativePositionBias, reads, representation];
  return (
    foldable.includes(familyName(architecture)) &&
    others.every((one) => one === undefined) &&
    (pool === undefined || pool === 'mean' || pool === 'normed-mean')
  );
}

/**
 * What a teacher is as a sliced ViT of which nothing is cut (`foldVit`); what is one already stays as it is.
 * @throws RangeError for a family that cannot be folded: a bug (`canBeFolded`)
 */
export function foldedArchitecture(architecture: Architecture): Architecture {
  const name = familyName(architecture);
  if (name !== slicedVitFamily.name && !canBeFolded(architecture)) {
    throw new RangeError(
      `a model of the family ${name} cannot be folded: only ${foldable.join(' and ')} can`,
    );
  }
  const { width, normWidth = width } = architecture;
  return {
    ...architecture,
    family: slicedVitFamily.name,
    layers: layerShapes(architecture),
    normWidth,
    ...(headNames(architecture).length === 2 && { distilled: true as const }),
  };
}
