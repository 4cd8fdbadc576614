import type { Architecture, ImageSize } from '../model/architecture.ts';
import type { ClassLabels } from './class-labels.ts';
import type { PoolName } from './pool-name.ts';

/** What the files beside the weights tell of the model. */
export interface SideFacts {
  readonly heads?: number;
  readonly layerNormEpsilon?: number;
  readonly gelu?: Architecture['gelu'];
  readonly pool?: PoolName;
  /** The class that the weights were saved from never has a head. */
  readonly isHeadless?: boolean;
  /** timm: written beside the model, and not among the arguments that timm itself builds it with. */
  readonly isPoolDoubtful?: boolean;
  /** Of these, what the file does not say and its library takes. */
  readonly defaults?: Partial<Pick<Architecture, 'heads' | 'layerNormEpsilon' | 'gelu'>>;
  /** timm: the architecture's name. */
  readonly architectureName?: string;
  /** What the name tells of and other arguments replace. */
  readonly replaced: readonly ('width' | 'depth' | 'patchSize' | 'gated')[];
  /** Of the images, best first. */
  readonly imageSizes: readonly ImageSize[];
  /** Read when asked for: damaged labels are no obstacle to who gives his own. @throws BlockForgeError `file-invalid` */
  readonly classLabels?: () => ClassLabels | undefined;
}

/** What a preparation must fit. */
export interface PreparedModel {
  readonly imageSize: ImageSize;
  readonly channels: 1 | 3;
  /** The user says that this is the size: nothing else has to. */
  readonly isSizeVouched: boolean;
}
