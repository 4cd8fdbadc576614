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
