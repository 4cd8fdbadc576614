import type { Preprocessing } from '../../datasets/contract.ts';
import type { Architecture } from '../model/architecture.ts';
import type { HostWeights } from '../model/host-weights.ts';
import type { FusionHead } from '../submodels/fusion/fusion-head.ts';
import type { Json } from '../util/hash.ts';
import type { DeviceLimits } from './deployment-manifest.ts';
import type { Provenance } from './parts.ts';

/** One trained sub-model. */
export interface SubmodelInput {
  /** Also the name of its files. */
  readonly name: string;
  /** Of all the fleet's classes, ascending, in the order of its logits. */
  readonly classes: readonly number[];
  /** Whether its last logit stands for every other class. */
  readonly other: boolean;
  readonly architecture: Architecture;
  /** By canonical name, PyTorch's layout. Asked for once. */
  readonly weights: () => Promise<HostWeights>;
}

export interface DeviceInput {
  readonly name: string;
  /** Names of the sub-models on it. */
  readonly models: readonly string[];
  readonly limits?: DeviceLimits | undefined;
}

/** A fleet and its fusion, as `writeDeployment` makes a deployment of it. */
export interface DeploymentInput extends Provenance {
  readonly toolVersion: string;
  readonly name: string;
  readonly preprocessing: Preprocessing;
  /** K: how many classes the fleet serves together. */
  readonly classes: number;
  readonly classNames: readonly string[] | null;
  /** One that hosts nothing gets no package. */
  readonly devices: readonly DeviceInput[];
  /** In the order in which the fusion takes their features. */
  readonly models: readonly SubmodelInput[];
  readonly fusion: FusionHead;
  /** The text of `profile.mjs`, which measures the graphs on a device. */
  readonly profileScript: () => Promise<string>;
  /** Numbers that were measured of it: copied into deployment.json. */
  readonly measured?: Readonly<Record<string, Json>> | undefined;
  /** The resolved config of the run. */
  readonly config?: Readonly<Record<string, Json>> | undefined;
}
