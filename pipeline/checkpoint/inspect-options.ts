import type { HubOptions } from '../hub/hub.ts';
import type { Architecture, ImageSize } from '../model/architecture.ts';
import type { PoolName } from './pool-name.ts';
import type { ToldNames } from './told-naming.ts';

/** What shapes cannot tell, from the YAML; overrides config.json and the named architecture. */
export interface ArchitectureHints {
  readonly heads?: number | undefined;
  readonly layerNormEpsilon?: number | undefined;
  readonly gelu?: Architecture['gelu'] | undefined;
  readonly pool?: PoolName | undefined;
  /** Whether the last norm comes after pooling, where names do not tell it. */
  readonly normAfterPool?: boolean | undefined;
  /** Whether blocks have their norms before attention and FFN. */
  readonly normFirst?: boolean | undefined;
  /** Of a distilled DeiT, the token that its answer is to be of. */
  readonly reads?: Architecture['reads'];
  /** What stands before the names of the model to read, of several in the file. */
  readonly prefix?: string | undefined;
  /** The head's name without `.weight`. */
  readonly head?: string | undefined;
  /** Tensors, or what stands before their names, that the model's answer does not depend on. */
  readonly ignore?: readonly string[] | undefined;
  /** Fields of config.json and preprocessor_config.json that the model's answers do not depend on. */
  readonly ignoreFields?: readonly string[] | undefined;
  /** Of the images whose positions the weights have: these are not interpolated. */
  readonly imageSize?: ImageSize | undefined;
}

export interface InspectOptions {
  /** A name from the architecture table, e.g. `vit_base_patch16_224`. */
  readonly architectureName?: string | undefined;
  readonly hints?: ArchitectureHints | undefined;
  /** Which tensor is which part, where no table knows. */
  readonly names?: ToldNames | undefined;
  readonly hub?: HubOptions | undefined;
  /** A head is left out, and need not be there: the answer is what it would take. Default: where the files say that there is none. */
  readonly headless?: boolean | undefined;
  /** The head is no classifier: the answer is the features that it makes. Default: where its names say so. */
  readonly projects?: boolean | undefined;
}
