import type { FieldTable } from './field-table.ts';
import { transformersActivation, transformersDropout, transformersGeneric, transformersLabels, transformersOther, transformersSizes, transformersStages } from './transformers-fields.ts'; // prettier-ignore

const dropout = [...transformersDropout, 'attention_dropout', 'dropout'];

/** transformers' `Dinov2Config`, `Dinov2WithRegistersConfig` and `DINOv3ViTConfig`. */
export const huggingfaceDino: FieldTable = {
  title: 'Hugging Face: config.json (DINOv2, DINOv3)',
  used: {
    hidden_act: `${transformersActivation}; gelu where absent; gated blocks of DINOv2 have silu in any case`,
    num_attention_heads: 'heads; 12 where absent, 6 of DINOv3',
    layer_norm_eps: 'LayerNorm epsilon; 1e-6 where absent, 1e-5 of DINOv3',
    image_size: 'the size of the images; must be that of the positions; DINOv3 is computed for it',
    ...transformersLabels,
  },
  agrees: { ...transformersSizes, num_labels: 'classes', num_register_tokens: 'registers' },
  shown: {
    qkv_bias: /attention\.query\.bias$/,
    use_swiglu_ffn: /\.mlp\.weights_in\./,
    use_gated_mlp: /\.mlp\.gate_proj\./,
    query_bias: /attention\.q_proj\.bias$/,
    key_bias: /attention\.k_proj\.bias$/,
    value_bias: /attention\.v_proj\.bias$/,
    proj_bias: /attention\.o_proj\.bias$/,
    mlp_bias: /\.mlp\.(?:up|down)_proj\.bias$/,
  },
  only: {
    ...transformersOther,
    model_type: ['dinov2', 'dinov2_with_registers', 'dinov3_vit'],
    rope_theta: [100],
    rope_parameters: [{ rope_theta: 100, rope_type: 'default' }, { rope_theta: 100 }],
    apply_layernorm: [true],
  },
  harmless: [
    ...transformersGeneric,
    ...dropout,
    ...transformersStages,
    'return_class_token',
    // The weights tell these.
    ...['mlp_ratio', 'layerscale_value', 'use_mask_token', 'interpolate_antialias', 'interpolate_offset'],
    // Of training.
    ...['pos_embed_shift', 'pos_embed_jitter', 'pos_embed_rescale'],
  ],
};

/** transformers' `CLIPVisionConfig` and `SiglipVisionConfig`. */
export const huggingfaceTower: FieldTable = {
  title: 'Hugging Face: config.json (image towers of CLIP and SigLIP)',
  used: {
    hidden_act: `${transformersActivation}; where absent, quick_gelu of CLIP and tanh of SigLIP`,
    num_attention_heads: 'heads; 12 where absent',
    layer_norm_eps: 'LayerNorm epsilon; where absent, 1e-5 of CLIP and 1e-6 of SigLIP',
    image_size: 'the size of the images; must be that of the positions; 224 where absent',
  },
  agrees: transformersSizes,
  shown: { vision_use_head: /(?:^|\.)head\.probe$/ },
  only: { ...transformersOther, model_type: ['clip_vision_model', 'siglip_vision_model'] },
  harmless: [
    ...[...transformersGeneric, ...dropout, 'initializer_factor', 'projection_dim'],
    // Of older files, which say them of every part of a model.
    ...['id2label', 'label2id', 'num_labels'],
  ],
};

/** transformers' `CLIPConfig` and `SiglipConfig`, of towers of images and of texts, and of classifiers on the former. */
export const huggingfacePair: FieldTable = {
  title: 'Hugging Face: config.json (CLIP and SigLIP, whole or classifiers)',
  used: {
    vision_config: 'the tower of images: the table above',
    vision_config_dict: 'of older files: goes before vision_config, as in transformers',
    ...transformersLabels,
  },
  agrees: { num_labels: 'classes' },
  shown: {},
  only: { ...transformersOther, model_type: ['clip', 'siglip'] },
  harmless: [
    ...transformersGeneric,
    ...['text_config', 'text_config_dict', 'projection_dim', 'logit_scale_init_value', 'initializer_factor'],
  ],
};
