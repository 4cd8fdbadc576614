import { familyName, registerFamily, type Architecture } from './architecture.ts';
import type { Backbone } from './backbone.ts';
import { cct } from './backbones/cct.ts';
import { deit } from './backbones/deit.ts';
import { slicedVit } from './backbones/sliced-vit.ts';
import { swin } from './backbones/swin.ts';
import { vit } from './backbones/vit.ts';

const backbones = new Map<string, Backbone>(
  [vit, deit, slicedVit, cct, swin].map((backbone) => [backbone.family.name, backbone]),
);

/** Makes a family known: its facts and how it computes. */
export function registerBackbone(backbone: Backbone): void {
  registerFamily(backbone.family);
  backbones.set(backbone.family.name, backbone);
}

/** @throws Error where the family has none: a bug */
export function backboneOf(architecture: Architecture): Backbone {
  const backbone = backbones.get(familyName(architecture));
  if (backbone === undefined) throw new Error(`no backbone computes ${familyName(architecture)}`);
  return backbone;
}
