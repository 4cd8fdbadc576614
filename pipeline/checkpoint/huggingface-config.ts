import type { Architecture } from '../model/architecture.ts';
import { huggingfaceLabels } from './class-labels.ts';
import { fieldsOf, meaningOf, positiveOf, refuseField, sizeOf, valueOf, type Document } from './document.ts';
import { fieldTables } from './fields.ts';
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
  silu: 'silu',
  swish: 'silu',
  relu: 'relu',
};

/** transformers' `ViTConfig`, `DeiTConfig`, `BeitConfig` and `Data2VecVisionConfig`. */
const defaults = { heads: 12, layerNormEpsilon: 1e-12, gelu: 'exact' } as const;
const fieldsOfDefaults = {
  heads: 'num_attention_heads',
  layerNormEpsilon: 'layer_norm_eps',
  gelu: 'hidden_act',
};

/** transformers' `SwinConfig`; its heads are told by the weights. */
const swinOnly = { layerNormEpsilon: 1e-5, gelu: 'exact' } as const;

/** By model_type, where they are not the ViT's. */
const ownDefaults: Readonly<Record<string, Partial<typeof defaults | Record<string, unknown>>>> = {
  swin: swinOnly,
  dinov2: { ...defaults, layerNormEpsilon: 1e-6 },
  dinov2_with_registers: { ...defaults, layerNormEpsilon: 1e-6 },
  dinov3_vit: { ...defaults, heads: 6, layerNormEpsilon: 1e-5 },
  clip_vision_model: { ...defaults, layerNormEpsilon: 1e-5, gelu: 'quick' },
  siglip_vision_model: { ...defaults, layerNormEpsilon: 1e-6, gelu: 'tanh' },
};

/** Of transformers: what a class ends with is never a head. */
const headlessClasses: readonly string[] = [
  'ViTModel',
  'DeiTModel',
  'Dinov2Model',
  'Dinov2WithRegistersModel',
  'DINOv3ViTModel',
  'CLIPVisionModel',
  'SiglipVisionModel',
  'BeitModel',
  'SwinModel',
  'Data2VecVisionModel',
];

/** Their heads, there or left out, take the class token and the mean of the patches side by side. */
const pairingClasses: readonly string[] = [
  'Dinov2ForImageClassification',
  'Dinov2WithRegistersForImageClassification',
];

/** What a config of CLIP or SigLIP says of its tower of images; undefined for other configs. */
export function visionOf(config: Document): Document | undefined {
  if (config.table !== fieldTables.huggingfacePair) return undefined;
  // transformers lays the older one, its defaults included, over the other.
  const field = valueOf(config, 'vision_config_dict') === undefined ? 'vision_config' : 'vision_config_dict';
  const model_type = `${String(valueOf(config, 'model_type'))}_vision_model`;
  const given = fieldsOf(config, field) ?? {};
  const fields = { ...given, model_type: given.model_type ?? model_type };
  return { path: config.path, prefix: `${field}.`, table: fieldTables.huggingfaceTower, fields };
}

/** Of CLIP and SigLIP: all that counts is the tower's but for the classes. */
export function pairFacts(config: Document, vision: Document): SideFacts {
  return { ...huggingfaceFacts(vision), classLabels: () => huggingfaceLabels(config.fields, config.path) };
}

/** @throws BlockForgeError `checkpoint-unsupported`, naming the field */
export function huggingfaceFacts(config: Document): SideFacts {
  const gelu = meaningOf(config, 'hidden_act', activations);
  const isSwin = valueOf(config, 'model_type') === 'swin';
  const heads = isSwin ? undefined : positiveOf(config, 'num_attention_heads');
  const epsilon = positiveOf(config, 'layer_norm_eps');
  if (isSwin && epsilon !== undefined && epsilon !== swinOnly.layerNormEpsilon)
    refuseField(
      config,
      'layer_norm_eps',
      '1e-5, which the norms of its embedding and between its stages have in any case',
    );
  const isOurs = valueOf(config, 'model_type') !== undefined;
  const isAbsent = (field: string): boolean => isOurs && !Object.hasOwn(config.fields, field);
  const size = sizeOf(config, 'image_size') ?? (isAbsent('image_size') ? 224 : undefined);
  const absent = Object.entries(ownDefaults[String(valueOf(config, 'model_type'))] ?? defaults).filter(
    ([fact]) => isAbsent(fieldsOfDefaults[fact as keyof typeof defaults]),
  );
  const { architectures } = config.fields;
  const isOneOf = (classes: readonly string[]): boolean =>
    Array.isArray(architectures) && architectures.some((name) => classes.includes(String(name)));
  const isHeadless = isOneOf(headlessClasses);
  return {
    ...(isHeadless && { isHeadless }),
    ...(isOneOf(pairingClasses) && { pool: 'class-and-mean' as const }),
    ...(heads !== undefined && { heads }),
    ...(epsilon !== undefined && { layerNormEpsilon: epsilon }),
    ...(gelu !== undefined && { gelu }),
    defaults: Object.fromEntries(absent),
    replaced: [],
    imageSizes: size === undefined ? [] : [size],
    classLabels: () => huggingfaceLabels(config.fields, config.path),
  };
}
