import type { Architecture } from '../../pipeline/model/architecture.ts';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import type { NamedArrays } from '../../pipeline/model/safetensors.ts';
import { random } from '../../pipeline/util/random.ts';
import { present } from './present.ts';

/** ViT-B/16 at 224 px, for what needs no weights. */
export const vitBase: Architecture = {
  ...present(namedArchitecture('vit_base_patch16_224')).facts,
  channels: 3,
  classes: 1000,
};

/** A ViT small enough for any test: 5 tokens, two blocks. */
export const tinyArchitecture: Architecture = {
  imageSize: 8,
  patchSize: 4,
  channels: 3,
  width: 8,
  depth: 2,
  heads: 2,
  hidden: 12,
  classes: 5,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
};

/** A Swin small enough for any test: windows of 2 in 4 x 4 tokens, moved in the second block, then one window of 2 x 2. */
export const tinySwin: Architecture = {
  family: 'swin',
  imageSize: 8,
  patchSize: 2,
  channels: 3,
  width: 8,
  depth: 3,
  heads: 2,
  hidden: 20,
  classes: 5,
  layerNormEpsilon: 1e-5,
  gelu: 'exact',
  stages: [
    { depth: 2, width: 4, heads: 1, hidden: 12 },
    { depth: 1, width: 8, heads: 2, hidden: 20 },
  ],
  window: 2,
};

/** Random weights large enough that every one matters in the output. */
export function strongWeights(architecture: Architecture, seed = 3): HostWeights {
  const weights = initialWeights(architecture, seed);
  for (const [name, { data }] of Object.entries(weights)) {
    const stream = random(seed, 'strong', name);
    for (let i = 0; i < data.length; i++) data[i] = data[i]! * 10 + 0.1 * stream.normal();
  }
  return weights;
}

/** The same weights as Hugging Face's ViTForImageClassification stores them. Written without the code under test. */
export function asHuggingface(weights: HostWeights, base = 'vit.'): NamedArrays {
  const layers: Record<string, string> = {
    norm1: 'layernorm_before',
    'attn.proj': 'attention.output.dense',
    norm2: 'layernorm_after',
    'mlp.fc1': 'intermediate.dense',
    'mlp.fc2': 'output.dense',
  };
  const result: NamedArrays = {};
  for (const [name, tensor] of Object.entries(weights)) {
    const [, index, layer, part] = /^blocks\.(\d+)\.(.*)\.(weight|bias)$/.exec(name) ?? [];
    if (layer === 'attn.qkv') {
      const rows = tensor.shape[0]! / 3;
      const size = tensor.data.length / 3;
      ['query', 'key', 'value'].forEach((third, i) => {
        result[`${base}encoder.layer.${index}.attention.attention.${third}.${part}`] = {
          shape: [rows, ...tensor.shape.slice(1)],
          data: tensor.data.slice(i * size, (i + 1) * size),
        };
      });
    } else if (layer !== undefined) {
      result[`${base}encoder.layer.${index}.${layers[layer]}.${part}`] = tensor;
    } else {
      const renamed = name
        .replace('cls_token', `${base}embeddings.cls_token`)
        .replace('pos_embed', `${base}embeddings.position_embeddings`)
        .replace('patch_embed.proj', `${base}embeddings.patch_embeddings.projection`)
        .replace(/^norm\./, `${base}layernorm.`)
        .replace(/^head\./, 'classifier.');
      result[renamed] = tensor;
    }
  }
  return result;
}

/** The same weights as torchvision's vit_b_16 names them; `old`: before its MLP was renamed. */
export function asTorchvision(weights: HostWeights, old = false): NamedArrays {
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => [
      name
        .replace('cls_token', 'class_token')
        .replace('pos_embed', 'encoder.pos_embedding')
        .replace('patch_embed.proj', 'conv_proj')
        .replace(/^norm\./, 'encoder.ln.')
        .replace(/^head\./, 'heads.head.')
        .replace(/^blocks\.(\d+)\./, 'encoder.layers.encoder_layer_$1.')
        .replace('.norm1.', '.ln_1.')
        .replace('.norm2.', '.ln_2.')
        .replace('.attn.qkv.', '.self_attention.in_proj_')
        .replace('.attn.proj.', '.self_attention.out_proj.')
        .replace('.mlp.fc1.', old ? '.mlp.linear_1.' : '.mlp.0.')
        .replace('.mlp.fc2.', old ? '.mlp.linear_2.' : '.mlp.3.'),
      tensor,
    ]),
  );
}

/** A CCT small enough for any test: 16 tokens of one convolution, two blocks. */
export const tinyCct: Architecture = {
  ...tinyArchitecture,
  family: 'cct',
  patchSize: 2,
  tokenizer: { layers: 1, kernel: 3, channels: 4 },
};
