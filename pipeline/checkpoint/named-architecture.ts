import type { Preprocessing } from '../../datasets/contract.ts';
import type { Architecture } from '../model/architecture.ts';
import type { SeriesFacts } from './published-series.ts';

type NamedFacts = Pick<Architecture, 'width' | 'depth' | 'heads' | 'hidden' | 'patchSize' | 'imageSize'> &
  Pick<Architecture, 'layerNormEpsilon' | 'gelu' | 'stages' | 'window'> &
  SeriesFacts;

/** What a published architecture's name tells, shapes included so that a wrong name is noticed. */
export interface NamedArchitecture {
  readonly facts: NamedFacts;
  /** No weights of that name are published with a classifier. */
  readonly headless?: true | undefined;
  /** What the published weights of that name were trained with; without the fields that depend on the model. */
  readonly preprocessing?: Omit<Preprocessing, 'crop' | 'channels'>;
}

export const imagenetNormalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
/** By the names that `Series.statistics` has for them. */
export const normalisations = {
  half: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  imagenet: imagenetNormalisation,
} as const;
