/** What transformers 4 and 5 write into any model's config.json (`PretrainedConfig`). Generation, training, bookkeeping. */
export const transformersGeneric: readonly string[] = [
  ...[
    '_name_or_path',
    'name_or_path',
    '_commit_hash',
    'transformers_version',
    'architectures',
    'torch_dtype',
  ],
  ...['dtype', 'attn_implementation', '_attn_implementation', '_attn_implementation_autoset'],
  ...['_attn_implementation_internal', '_experts_implementation', 'experts_implementation'],
  ...['output_hidden_states', 'output_attentions', 'return_dict', 'torchscript', 'use_bfloat16', 'use_cache'],
  ...['tf_legacy_loss', 'gradient_checkpointing', 'loss_type', 'finetuning_task', 'task_specific_params'],
  ...['chunk_size_feed_forward', 'tie_word_embeddings', 'tie_encoder_decoder', 'tokenizer_class', 'prefix'],
  ...['bos_token_id', 'pad_token_id', 'eos_token_id', 'sep_token_id', 'decoder_start_token_id', 'max_length'],
  ...['min_length', 'do_sample', 'early_stopping', 'num_beams', 'num_beam_groups', 'diversity_penalty'],
  ...['temperature', 'top_k', 'top_p', 'typical_p', 'repetition_penalty', 'length_penalty'],
  ...['no_repeat_ngram_size', 'encoder_no_repeat_ngram_size', 'bad_words_ids', 'num_return_sequences'],
  ...['output_scores', 'return_dict_in_generate', 'forced_bos_token_id', 'forced_eos_token_id'],
  ...[
    'remove_invalid_values',
    'exponential_decay_length_penalty',
    'suppress_tokens',
    'begin_suppress_tokens',
  ],
  ...['initializer_range', 'is_composition', 'xla_device', 'model_name', 'license', 'tags', 'library_name'],
];

/** What transformers can write into any config.json that would make it another model. */
export const transformersOther = {
  problem_type: ['single_label_classification'],
  is_decoder: [false],
  is_encoder_decoder: [false],
  add_cross_attention: [false],
  cross_attention_hidden_size: [],
  pruned_heads: [{}],
  quantization_config: [],
  auto_map: [],
} as const;

/** Rows that its tables share: what an encoder's config says of sizes. */
export const transformersSizes = {
  hidden_size: 'width',
  num_hidden_layers: 'depth',
  intermediate_size: 'hidden',
  patch_size: 'patchSize',
  num_channels: 'channels',
} as const;

/** Of classes. */
export const transformersLabels = {
  id2label: 'class labels, one for each class',
  label2id: 'must say the same as id2label',
} as const;

/** Of the activation (`ACT2FN`). */
export const transformersActivation =
  'gelu, gelu_python: exact; gelu_new, gelu_fast, gelu_pytorch_tanh, gelu_accurate: tanh; quick_gelu; silu, swish; relu; others are refused';

/** Of training. */
export const transformersDropout = ['hidden_dropout_prob', 'attention_probs_dropout_prob', 'drop_path_rate'];

/** Of backbones for other tasks. */
export const transformersStages = [
  ...['stage_names', 'out_features', 'out_indices', '_out_features', '_out_indices'],
  'reshape_hidden_states',
];
