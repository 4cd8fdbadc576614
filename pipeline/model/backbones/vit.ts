import type { Backbone } from '../backbone.ts';
import { vitFamily } from '../family/vit.ts';
import { normLayer } from '../layers.ts';
import { preNormBackbone } from './pre-norm.ts';
import { rotaryTables } from './rotary.ts';

/** The ViT as `vitFamily` lays it out. */
export const vit: Backbone = {
  ...preNormBackbone(vitFamily, normLayer),
  blocksAlike: true,
  shared: rotaryTables,
};
