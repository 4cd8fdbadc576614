import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import type { Extent } from '../../pipeline/model/family/image-size.ts';
import { canonicalShapes, type HostWeights } from '../../pipeline/model/host-weights.ts';

/** A published architecture for 1,000 classes of colour images. */
export function architectureNamed(name: string): Architecture {
  const facts = namedArchitecture(name)?.facts;
  if (facts === undefined) throw new Error(`no architecture ${name}`);
  return { ...facts, channels: 3, classes: 1000 };
}

/**
 * Weights that keep activations of the usual size, so that answers differ and can be compared: matrices of deviation 1 / sqrt(inputs),
 * norms about 1. By a generator of integers: 86 million normal numbers would take ten seconds to draw.
 */
export function randomTeacher(architecture: Architecture): HostWeights {
  const draw = uniforms();
  return Object.fromEntries(
    Object.entries(canonicalShapes(architecture)).map(([name, shape]) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      const isMatrix = shape.length === 2 || shape.length === 4;
      const scale = isMatrix ? Math.sqrt((3 * shape[0]!) / size) : 0.1;
      const centre = /norm\d?\.weight$/.test(name) ? 1 : 0;
      return [name, { shape, data: Float32Array.from({ length: size }, () => centre + scale * draw()) }];
    }),
  );
}

/** [images, height, width, 3] of uniform noise of deviation 1; default: 224 x 224. */
export function noiseImages(
  images: number,
  { height, width }: Extent = { height: 224, width: 224 },
): { shape: [number, number, number, number]; data: Float32Array } {
  const draw = uniforms();
  const length = images * height * width * 3;
  return {
    shape: [images, height, width, 3],
    data: Float32Array.from({ length }, () => Math.sqrt(3) * draw()),
  };
}

/** In [-1, 1), by a linear congruence. */
function uniforms(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}
