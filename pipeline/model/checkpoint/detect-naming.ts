import { huggingfaceNaming } from './huggingface.ts';
import type { Naming } from './naming.ts';
import { timmNaming } from './timm.ts';
import { torchvisionNaming } from './torchvision.ts';

/** The family that `names` belong to; undefined where none. */
export function detectNaming(names: ReadonlySet<string>): Naming | undefined {
  return timmNaming(names) ?? huggingfaceNaming(names) ?? torchvisionNaming(names);
}
