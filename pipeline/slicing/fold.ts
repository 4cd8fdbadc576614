import { familyName, type Architecture } from '../model/architecture.ts';
import type { HostTensor, HostWeights } from '../model/host-weights.ts';
import { canBeFolded, foldedArchitecture } from './folded-architecture.ts';
import type { SlicedModel } from './sliced-model.ts';
import { isToken, streamAxis, streamReaders } from './stream-axis.ts';

/**
 * A ViT or a distilled DeiT as a sliced ViT of which nothing is cut yet: the same function, exactly but for rounding. What LayerNorm does beside
 * dividing goes into the layers around it (Ashkboos et al., "SliceGPT", 2024, section 3): gain and bias into the layer that
 * reads, and the centring into everything that writes to the stream, as means of sums are sums of means. Sums in float64.
 * @param weights canonical; unchanged, and partly shared with the result
 * @throws RangeError for another family: a bug (`canBeFolded`)
 */
export function foldVit(weights: HostWeights, architecture: Architecture): SlicedModel {
  if (!canBeFolded(architecture)) {
    throw new RangeError(`a model of the family ${familyName(architecture)} cannot be folded`);
  }
  const { width } = architecture;
  const folded: HostWeights = {};
  for (const [name, tensor] of Object.entries(weights)) {
    if (/norm\d?\.(weight|bias)$/.test(name)) continue;
    const isReader = !isToken(name) && streamAxis(name) === 'last';
    folded[name] = streamAxis(name) === undefined || isReader ? tensor : centred(tensor, name, width);
  }
  for (const { norm, layer } of streamReaders(architecture)) {
    const [gain, shift] = [weights[`${norm}.weight`]!.data, weights[`${norm}.bias`]!.data];
    const [kernel, bias] = [weights[`${layer}.weight`]!, weights[`${layer}.bias`]!];
    const data = new Float32Array(kernel.data.length);
    const shifted = new Float32Array(bias.data.length);
    for (let row = 0; row < shifted.length; row++) {
      let sum = bias.data[row]!;
      for (let d = 0; d < width; d++) {
        const value = kernel.data[row * width + d]!;
        sum += value * shift[d]!;
        data[row * width + d] = value * gain[d]!;
      }
      shifted[row] = sum;
    }
    folded[`${layer}.weight`] = { shape: kernel.shape, data };
    folded[`${layer}.bias`] = { shape: bias.shape, data: shifted };
    folded[`${norm}.weight`] = { shape: [width], data: new Float32Array(width).fill(1) };
  }
  return { architecture: foldedArchitecture(architecture), weights: folded };
}

/** Without its mean over the stream. */
function centred({ shape, data }: HostTensor, name: string, width: number): HostTensor {
  const result = new Float32Array(data.length);
  const others = data.length / width;
  const [stride, step] = streamAxis(name) === 'first' ? [others, 1] : [1, width];
  for (let other = 0; other < others; other++) {
    let sum = 0;
    for (let d = 0; d < width; d++) sum += data[other * step + d * stride]!;
    const mean = sum / width;
    for (let d = 0; d < width; d++) {
      const place = other * step + d * stride;
      result[place] = data[place]! - mean;
    }
  }
  return { shape, data: result };
}
