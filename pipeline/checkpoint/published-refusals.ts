/**
 * Published names of models that are none of the known ones, by what they differ in. Whether a name fits is asked in this
 * order, and before `publishedSeries`.
 */
export const publishedRefusals: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^vit_s?relpos_/, 'relative positions in attention'],
  [/^vit_pe_core_/, 'a pooling attention with a number of heads of its own'],
  [/^vit_pe_(?:lang|spatial)_|^vit_intern300m_/, 'no norm after the last block'],
  [/^vit_[a-z]+_patch\d+_rope_mixed_/, 'rotary positions that are another in each block'],
  [/^vit_[a-z]+_(?:r\d*_s\d+|resnet\w+?)_/, 'a convolutional network that makes the patches'],
  [/^vit_base_mci_/, 'convolutions that make the patches'],
  [/^vit_[a-z]+_patch\d+_18x2_/, 'two attentions and two FFNs side by side in a block'],
  [/^vit_[a-z]+_patch\d+_xp_|^vit_pwee_/, 'attention and FFN side by side'],
  [/^vit_(?:dlittle|dwee|dpwee)_/, 'differential attention'],
  [/^vit_[a-z]+_patch\d+_rpn_/, 'norms behind attention and FFN'],
  [/^swinv2_|^swin_v2_[tsb]$/, 'a Swin v2 (cosine attention, continuous position bias): Swin v1 is read'],
  [/^eva02_(?:tiny|small|base|large)_/, 'rotary positions beside learned ones'],
  [/^swin_s3_/, 'windows of another size in each stage'],
];
