import type { FieldTable } from '../field-table.ts';
import { transformersDropout, transformersGeneric, transformersLabels, transformersOther, transformersStages } from '../transformers-fields.ts'; // prettier-ignore

/** transformers' `SwinConfig`. */
export const huggingfaceSwin: FieldTable = {
  title: 'Hugging Face: config.json (Swin)',
  used: {
    hidden_act: 'as of a ViT',
    layer_norm_eps:
      'LayerNorm epsilon; 1e-5 where absent, and the only one: norms between stages have no other',
    image_size: 'the size of the images; a number or [height, width]; 224 where absent',
    ...transformersLabels,
  },
  agrees: {
    hidden_size: 'width',
    embed_dim: 'firstWidth',
    depths: 'depths',
    num_heads: 'stageHeads',
    num_layers: 'stageCount',
    window_size: 'window',
    mlp_ratio: 'mlpRatio',
    patch_size: 'patchSize',
    num_channels: 'channels',
    num_labels: 'classes',
  },
  shown: {
    qkv_bias: /(?:attention\.self\.query|attention\.q_proj|attn\.qkv)\.bias$/,
    use_absolute_embeddings: /position_embeddings$/,
  },
  only: { ...transformersOther, model_type: ['swin'], path_norm: [true] },
  harmless: [
    ...transformersGeneric,
    ...transformersDropout,
    ...['classifier_dropout', 'encoder_stride'],
    ...transformersStages,
  ],
};

/** Arguments of timm's `SwinTransformer`, and of `create_model`. */
export const timmSwinArguments: FieldTable = {
  title: 'timm: model_args in config.json (Swin)',
  used: { img_size: 'the size of the images; a number or [height, width]' },
  agrees: {
    embed_dim: 'firstWidth',
    depths: 'depths',
    num_heads: 'stageHeads',
    window_size: 'window',
    mlp_ratio: 'mlpRatio',
    patch_size: 'patchSize',
    in_chans: 'channels',
    num_classes: 'classes',
  },
  shown: { qkv_bias: /attn\.qkv\.bias$/ },
  only: {
    global_pool: ['avg'],
    always_partition: [false],
    head_dim: [],
    embed_layer: [],
    features_only: [false],
    pruned: [false],
  },
  harmless: [
    ...['drop_rate', 'proj_drop_rate', 'attn_drop_rate', 'drop_path_rate', 'drop_path', 'drop'],
    ...['weight_init', 'strict_img_size', 'scriptable', 'exportable', 'no_jit', 'pretrained'],
    ...['pretrained_strict', 'cache_dir', 'checkpoint_path', 'out_indices', 'device', 'dtype'],
  ],
};
