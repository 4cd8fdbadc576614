import { vitFamily } from './backbones/vit-family.ts';
import type { Architecture, Family } from './family.ts';

export type { Architecture, Family } from './family.ts';

const families = new Map<string, Family>([[vitFamily.name, vitFamily]]);

/** @throws Error where the name is another family's: a bug */
export function registerFamily(family: Family): void {
  const known = families.get(family.name);
  if (known !== undefined && known !== family) throw new Error(`two families are named ${family.name}`);
  families.set(family.name, family);
}

/** Whether a `family` means the ViT, which files leave out. */
export function isDefaultFamily(family: string | undefined): boolean {
  return family === undefined || family === vitFamily.name;
}

export function familyName({ family }: Architecture): string {
  return family ?? vitFamily.name;
}

/** @throws Error where no such family is registered; readers of files check the name first (`familyNames`) */
export function familyOf(architecture: Architecture): Family {
  const family = families.get(familyName(architecture));
  if (family === undefined) throw new Error(`no family of models is named ${familyName(architecture)}`);
  return family;
}

export function familyNames(): string[] {
  return [...families.keys()];
}

/** Tokens before the patches; 1 in a ViT, its class token. */
export function prefixTokens(architecture: Architecture): number {
  return familyOf(architecture).prefixTokens(architecture);
}

/** Patches per image, S / p squared. */
export function patchesPerImage({ imageSize, patchSize }: Architecture): number {
  return (imageSize / patchSize) ** 2;
}

/** Tokens per image: the patches and what the family puts before them. */
export function tokensPerImage(architecture: Architecture): number {
  return patchesPerImage(architecture) + prefixTokens(architecture);
}

/** The stable name of a block everywhere: files, tables, the manifest. `block-00` is the first encoder layer. */
export function blockName(index: number): string {
  return `block-${String(index).padStart(2, '0')}`;
}

/** `w0384`: the stable name of a width inside its block. */
export function widthName(width: number): string {
  return `w${String(width).padStart(4, '0')}`;
}
