import type { FieldTable } from './field-table.ts';
import { huggingfaceBeit } from './beit-fields.ts';
import { huggingfaceSwin, timmSwinArguments } from './swin/fields.ts';
import { huggingfaceDino, huggingfacePair, huggingfaceTower } from './tower-fields.ts';
import { transformersActivation, transformersDropout, transformersGeneric, transformersLabels, transformersOther, transformersSizes } from './transformers-fields.ts'; // prettier-ignore

export { transformersGeneric } from './transformers-fields.ts';
export type { FieldTable } from './field-table.ts';

const timmConfig: FieldTable = {
  title: 'timm: config.json',
  used: {
    architecture: 'heads, GELU, LayerNorm epsilon and sizes of the names listed under Teachers',
    model_args: 'the table below',
    pretrained_cfg: 'the table below; its fields at the top level (older files) count as well',
    label_names: 'class labels; a list, or a dictionary by index',
    labels: 'the older name of label_names',
    label_descriptions: 'what people call the classes',
    global_pool:
      'token or avg: what the head reads; must agree with model_args.global_pool, without which timm passes avg over: then teacher.hints.pool must say it',
    id2label: 'class labels where label_names is absent (transformers TimmWrapper)',
    label2id: 'must say the same as id2label',
  },
  agrees: { num_classes: 'classes', num_labels: 'classes', num_features: 'width' },
  shown: {},
  only: { ...transformersOther, model_type: ['timm_wrapper'] },
  harmless: [...transformersGeneric, 'do_pooling'],
};

/** timm's `PretrainedCfg`: where the weights came from, and how images are prepared (`resolve_data_config`). */
const timmPretrained: FieldTable = {
  title: 'timm: pretrained_cfg in config.json',
  isOfImages: true,
  used: {
    input_size:
      'the size of the images, where model_args.img_size does not say it; [channels, height, width]',
    test_input_size: 'where the positions are of this size, the size of the images',
    crop_pct: 'size / crop_pct, rounded down, is what images are resized to; 0.875 where absent',
    test_crop_pct: 'counts instead of crop_pct where test_input_size is the size',
    crop_mode: 'center or squash; border is refused',
    interpolation: "any of Pillow's filters; bicubic where absent",
    mean: 'as it says; of ImageNet where absent',
    std: 'as it says; of ImageNet where absent',
    label_names: 'as at the top level, which goes first',
    labels: 'the older name of label_names',
    label_descriptions: 'as at the top level, which goes first',
  },
  agrees: { num_classes: 'classes', num_features: 'width' },
  shown: {},
  only: { label_offset: [0] },
  harmless: [
    ...['url', 'file', 'hf_hub_id', 'hf_hub_filename', 'source', 'architecture', 'tag', 'custom_load'],
    ...['state_dict', 'min_input_size', 'fixed_input_size', 'pool_size', 'test_pool_size', 'first_conv'],
    ...[
      'classifier',
      'license',
      'description',
      'origin_url',
      'paper_name',
      'paper_ids',
      'notes',
      'model_args',
    ],
  ],
};

/** Arguments of timm's `VisionTransformer` and `Beit`, and of `create_model`. */
const timmArguments: FieldTable = {
  title: 'timm: model_args in config.json',
  used: {
    num_heads: 'heads; goes before what the name tells',
    act_layer: 'gelu, gelu_tanh or quick_gelu',
    global_pool: 'token or avg: what the head reads',
    norm_layer: 'layernorm, layernormfp32: LayerNorm with epsilon 1e-6',
    img_size: 'the size of the images; a number or [height, width]; must be that of the positions',
  },
  agrees: {
    embed_dim: 'width',
    depth: 'depth',
    mlp_ratio: 'mlpRatio',
    patch_size: 'patchSize',
    in_chans: 'channels',
    num_classes: 'classes',
    no_embed_class: 'isClassTokenUnplaced',
    reg_tokens: 'registers',
    swiglu_mlp: 'gated',
  },
  shown: {
    qkv_bias: /attn\.(?:(?:qkv|q|q_proj)\.|q_)bias$/,
    proj_bias: /attn\.proj\.bias$/,
    init_values: /\.(?:ls[12]\.gamma|gamma_[12])$/,
    class_token: /(?:^|\.)cls_token$/,
    pre_norm: /(?:^|\.)norm_pre\./,
    qk_norm: /\.q_norm\./,
    fc_norm: /(?:^|\.)fc_norm\./,
    scale_attn_norm: /\.attn\.norm\./,
    scale_mlp_norm: /\.mlp\.norm\./,
    representation_size: /(?:^|\.)pre_logits\./,
    distilled: /(?:^|\.)dist_token$/,
    use_abs_pos_emb: /(?:^|\.)pos_embed$/,
    use_rel_pos_bias: /\.attn\.relative_position_bias_table$/,
    use_shared_rel_pos_bias: /(?:^|\.)rel_pos_bias\./,
    scale_mlp: /\.mlp\.norm\./,
  },
  only: {
    pos_embed: ['learn'],
    final_norm: [true],
    pool_include_prefix: [false],
    use_naflex: [false],
    features_only: [false],
    pruned: [false],
    embed_layer: [],
    embed_norm_layer: [''],
    block_fn: [],
    mlp_layer: [],
    attn_layer: ['', 'attn'],
  },
  harmless: [
    ...[
      'drop_rate',
      'pos_drop_rate',
      'patch_drop_rate',
      'proj_drop_rate',
      'attn_drop_rate',
      'drop_path_rate',
    ],
    ...[
      'drop_block_rate',
      'drop_path',
      'drop',
      'weight_init',
      'head_init_scale',
      'fix_init',
      'dynamic_img_size',
      'dynamic_img_pad',
    ],
    ...[
      'strict_img_size',
      'scriptable',
      'exportable',
      'no_jit',
      'pretrained',
      'pretrained_strict',
      'cache_dir',
    ],
    ...['checkpoint_path', 'out_indices', 'device', 'dtype'],
  ],
};

/** transformers' `ViTConfig` and `DeiTConfig`. */
const huggingfaceConfig: FieldTable = {
  title: 'Hugging Face: config.json (ViT, DeiT)',
  used: {
    hidden_act: `${transformersActivation}; gelu where absent`,
    num_attention_heads: 'heads; 12 where absent',
    layer_norm_eps: 'LayerNorm epsilon; 1e-12 where absent',
    image_size:
      'the size of the images; a number or [height, width]; must be that of the positions; 224 where absent',
    ...transformersLabels,
  },
  agrees: { ...transformersSizes, num_labels: 'classes' },
  shown: { qkv_bias: /(?:attention\.query|self_attn\.q_proj|attention\.q_proj|attn\.qkv)\.bias$/ },
  only: { ...transformersOther, model_type: ['vit', 'deit'] },
  harmless: [
    ...transformersGeneric,
    ...transformersDropout,
    ...[
      'classifier_dropout',
      'encoder_stride',
      'pooler_output_size',
      'pooler_act',
      'use_mask_token',
      'add_pooling_layer',
    ],
    // Of masked pre-training: no part of a classifier.
    ...['mask_ratio', 'norm_pix_loss', 'decoder_hidden_size', 'decoder_intermediate_size'],
    ...['decoder_num_attention_heads', 'decoder_num_hidden_layers'],
  ],
};

/** transformers' image processors (`preprocessor_config.json`). */
const processorConfig: FieldTable = {
  title: 'Hugging Face: preprocessor_config.json',
  isOfImages: true,
  used: {
    image_processor_type:
      'ViT, DeiT, BEiT, CLIP, Siglip, Bit, DINOv3ViT and TimmWrapper processors, Fast or not; others are refused; where absent, by model_type',
    feature_extractor_type: 'the older name of image_processor_type',
    do_resize: 'false or null: images keep their size, which is refused without a crop',
    size: 'a number, [height, width], {height, width} or {shortest_edge}; without a crop it must be the size of the model',
    default_to_square: 'false: a size that is one number is the shortest edge',
    resample: "0 to 5, Pillow's filters",
    do_center_crop: 'true: crop_size is cut from the middle; null: it is not',
    crop_size: 'a number, [height, width] or {height, width}; must be the size of the model',
    do_rescale: 'false or null: pixels stay on the scale of 0 to 255',
    rescale_factor: 'what pixels are multiplied by; folded into mean and std',
    do_normalize: 'false or null: mean 0, std 1',
    image_mean: 'a number, or one for each channel',
    image_std: 'a number, or one for each channel',
    data_config: 'of a TimmWrapperImageProcessor: as pretrained_cfg',
    pretrained_cfg: 'of a TimmWrapperImageProcessor: as in config.json',
  },
  agrees: {},
  shown: {},
  only: {
    do_pad: [false],
    pad_size: [],
    crop_pct: [],
    do_reduce_labels: [false],
    reduce_labels: [false],
    do_flip_channel_order: [false],
    auto_map: [],
  },
  harmless: [
    ...['do_convert_rgb', 'data_format', 'input_data_format', 'device', 'disable_grouping', 'return_tensors'],
    ...['processor_class', '_processor_class', '_valid_processor_keys', 'image_seq_length', 'architecture'],
    ...['_name_or_path', 'transformers_version'],
  ],
};

export const fieldTables = {
  timmConfig,
  timmPretrained,
  timmArguments,
  timmSwinArguments,
  huggingfaceConfig,
  huggingfaceSwin,
  huggingfaceDino,
  huggingfaceTower,
  huggingfacePair,
  huggingfaceBeit,
  processorConfig,
} as const;
