import type { Backbone } from '../backbone.ts';
import { deitFamily } from '../family/deit.ts';
import { normLayer } from '../layers.ts';
import { preNormBackbone } from './pre-norm.ts';

/** The distilled DeiT as `deitFamily` lays it out. */
export const deit: Backbone = { ...preNormBackbone(deitFamily, normLayer), blocksAlike: true };
