import { vitFamily } from '../model/family/vit.ts';

/** Families whose models can be cut: what `foldVit` takes. */
export const slicedFamilies: readonly string[] = [vitFamily.name];
