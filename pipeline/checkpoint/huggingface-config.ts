import type { Architecture } from '../model/architecture.ts';
import { huggingfaceLabels } from './class-labels.ts';
import { meaningOf, positiveOf, sizeOf, type Document } from './document.ts';
import type { SideFacts } from './side-facts.ts';

/** transformers' `ACT2FN`: what of it is a GELU. */
const activations: Readonly<Record<string, Architecture['gelu']>> = {
  gelu: 'exact',
  gelu_python: 'exact',
  gelu_new: 'tanh',
  gelu_fast: 'tanh',
  gelu_pytorch_tanh: 'tanh',
  gelu_accurate: 'tanh',
  quick_gelu: 'quick',
};

/** @throws BlockForgeError `checkpoint-unsupported`, naming the field */
export function huggingfaceFacts(config: Document): SideFacts {
  const gelu = meaningOf(config, 'hidden_act', activations);
  const heads = positiveOf(config, 'num_attention_heads');
  const epsilon = positiveOf(config, 'layer_norm_eps');
  const size = sizeOf(config, 'image_size');
  return {
    ...(heads !== undefined && { heads }),
    ...(epsilon !== undefined && { layerNormEpsilon: epsilon }),
    ...(gelu !== undefined && { gelu }),
    replaced: [],
    imageSizes: size === undefined ? [] : [size],
    classLabels: () => huggingfaceLabels(config.fields, config.path),
  };
}
