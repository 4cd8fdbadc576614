import type { Preprocessing } from '../../datasets/contract.ts';
import { imageSizeText } from '../model/architecture.ts';
import { BlockForgeError, type Failure } from '../util/failure.ts';
import type { NamedArchitecture } from './named-architecture.ts';
import type { OwnFile } from './own-file.ts';
import type { PreparedModel } from './side-facts.ts';
import type { SideConfig } from './side-config.ts';

/** How images are prepared, or why what the files say of it cannot be had: that is told only to who relies on it. */
export interface FoundPreparation {
  readonly preprocessing?: Preprocessing;
  readonly preprocessingProblem?: Failure;
  /** That it is the name's, for people. */
  readonly notes: readonly string[];
}

/**
 * The first that tells it: a file of our own, the files beside the weights, the architecture's name, which knows published weights alone.
 * @param name in whose words the note is, where there is one
 */
export function findPreparation(
  model: PreparedModel,
  own: OwnFile | undefined,
  side: SideConfig,
  named: NamedArchitecture | undefined,
  name: string | undefined,
): FoundPreparation {
  const { imageSize, channels } = model;
  try {
    const told = own?.preprocessing ?? (own === undefined ? side.prepare(model) : undefined);
    if (told !== undefined) return { preprocessing: told, notes: [] };
  } catch (error) {
    if (!(error instanceof BlockForgeError)) throw error;
    return { preprocessingProblem: error.failure, notes: [] };
  }
  const ofName = named?.facts.imageSize === imageSize && channels === 3 ? named.preprocessing : undefined;
  if (ofName === undefined) return { notes: [] };
  const preprocessing = { ...ofName, crop: imageSize, channels };
  return {
    preprocessing,
    notes: [
      `the architecture's name alone tells how images are prepared: as for the published "${name}" (${preparationText(preprocessing)}) is assumed; data.preprocessing goes before it`,
    ],
  };
}

/** For people. */
export function preparationText({
  resize,
  resizeMode,
  interpolation,
  crop,
  mean,
  std,
}: Preprocessing): string {
  const list = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(4))).join(', ');
  const size = resize === null ? 'as they are' : `${resizeMode} ${imageSizeText(resize)} ${interpolation}`;
  return `${size}, crop ${imageSizeText(crop)}, mean [${list(mean)}], std [${list(std)}]`;
}
