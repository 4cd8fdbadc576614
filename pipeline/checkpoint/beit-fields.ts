import type { FieldTable } from './field-table.ts';
import { transformersDropout, transformersGeneric, transformersLabels, transformersOther, transformersSizes, transformersStages } from './transformers-fields.ts'; // prettier-ignore

/** transformers' `BeitConfig` and `Data2VecVisionConfig`. */
export const huggingfaceBeit: FieldTable = {
  title: 'Hugging Face: config.json (BEiT, data2vec)',
  used: {
    hidden_act: 'as of a ViT',
    layer_norm_eps: 'LayerNorm epsilon; 1e-12 where absent',
    image_size: 'the size of the images; must be that of the tables or positions; 224 where absent',
    ...transformersLabels,
  },
  agrees: { ...transformersSizes, num_attention_heads: 'heads', num_labels: 'classes' },
  shown: {
    use_relative_position_bias: /(?:attention\.attention|\.\d+)\.relative_position_bias\./,
    use_shared_relative_position_bias: /(?:encoder\.relative|(?:^|\.)shared)_position_bias\./,
    use_absolute_position_embeddings: /position_embeddings$/,
    use_mean_pooling: /(?:^|\.)pooler\.layernorm\./,
    layer_scale_init_value: /\.lambda_1$/,
  },
  only: { ...transformersOther, model_type: ['beit', 'data2vec-vision'] },
  harmless: [
    ...transformersGeneric,
    ...transformersDropout,
    'classifier_dropout',
    // Of masked pre-training.
    ...['use_mask_token', 'vocab_size'],
    // Of segmentation, and of backbones for it.
    ...['pool_scales', 'use_auxiliary_head', 'auxiliary_loss_weight', 'auxiliary_channels'],
    ...['auxiliary_num_convs', 'auxiliary_concat_input', 'semantic_loss_ignore_index', 'add_fpn'],
    ...['segmentation_indices', ...transformersStages],
  ],
};
