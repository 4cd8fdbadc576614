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
  /** Why no file of such weights can be read, where no weight shows it. */
  readonly unread?: string | undefined;
  /** How timm prepares images for the published weights of that name; without the fields that depend on the model. */
  readonly preprocessing?: Omit<Preprocessing, 'crop' | 'channels'> | undefined;
}
