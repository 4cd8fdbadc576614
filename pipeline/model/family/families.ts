import { cctFamily } from './cct.ts';
import { deitFamily } from './deit.ts';
import type { Architecture, Family } from './family.ts';
import { slicedVitFamily } from './sliced-vit.ts';
import { swinFamily } from './swin.ts';
import { vitFamily } from './vit.ts';

const families = new Map<string, Family>(
  [vitFamily, deitFamily, slicedVitFamily, cctFamily, swinFamily].map((family) => [family.name, family]),
);

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

export function familyName({ family }: Pick<Architecture, 'family'>): string {
  return family ?? vitFamily.name;
}

/** @throws Error where no such family is registered; readers of files check the name first (`familyNames`) */
export function familyOf(architecture: Pick<Architecture, 'family'>): Family {
  const family = families.get(familyName(architecture));
  if (family === undefined) throw new Error(`no family of models is named ${familyName(architecture)}`);
  return family;
}

/** Why an architecture can be none of its family's, in words; undefined where it can. */
export function familyProblem(architecture: Architecture): string | undefined {
  const family = familyOf(architecture);
  const stages = stagesProblem(architecture);
  if (stages !== undefined) return stages;
  const isStaged = architecture.stages !== undefined || architecture.window !== undefined;
  if (isStaged && family.blockTokens === undefined) return 'has stages or windows: only a swin has them';
  if (architecture.relativePositionBias === true && !isDefaultFamily(architecture.family))
    return 'has relativePositionBias: only a vit has it';
  const { answer, classes, width } = architecture;
  const features = family.featureWidth?.(architecture) ?? width;
  if (answer === 'pooled' && classes !== features)
    return `has no head and ${classes} outputs: its features are ${features} numbers`;
  if (family.problem !== undefined) return family.problem(architecture);
  if (architecture.representation !== undefined) return 'has a representation layer: only a vit has one';
  return architecture.tokenizer === undefined ? undefined : 'has a tokenizer: only a cct has one';
}

/** Where stages and what is said of the whole do not agree. */
function stagesProblem({ stages, ...whole }: Architecture): string | undefined {
  if (stages === undefined) return undefined;
  const depth = stages.reduce((sum, stage) => sum + stage.depth, 0);
  if (depth !== whole.depth) return `has stages of ${depth} blocks together, and depth ${whole.depth}`;
  for (const name of ['width', 'heads', 'hidden'] as const) {
    const most = Math.max(...stages.map((stage) => stage[name]));
    if (most !== whole[name]) return `has stages of ${name} up to ${most}, and ${name} ${whole[name]}`;
  }
  return undefined;
}

export function familyNames(): string[] {
  return [...families.keys()];
}

/** Those that a teacher can be trained in from nothing. */
export function trainableFamilyNames(): string[] {
  return [...families.values()].filter(({ derived }) => derived !== true).map(({ name }) => name);
}
