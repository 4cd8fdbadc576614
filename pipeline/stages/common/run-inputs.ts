import type { LoadedConfig } from '../../config/loaded.ts';
import type { Architecture } from '../../model/architecture.ts';
import type { EngineName } from '../../tensor/engine.ts';
import type { Preprocessing } from '../../../datasets/contract.ts';

/** What the stages need to know to list their jobs. No engine is loaded while planning. */
export interface PlanInput {
  readonly loaded: LoadedConfig;
  readonly architecture: Architecture;
  readonly engine: EngineName;
  /** Data-parallel stages cut their images into this many shards. */
  readonly slots: number;
  readonly inputs: RunInputs;
}

/** What was found outside before planning: read from headers and folder listings only. */
export interface RunInputs {
  /** The checkpoint's files (weights and config.json), absolute; empty when the teacher is trained here. */
  readonly checkpointFiles: readonly string[];
  /** Packed data files, hashed by content; empty for folders and synthetic data. */
  readonly dataFiles: readonly string[];
  /** Hash over the relative paths and sizes of a folder of images, else null. */
  readonly dataListing: string | null;
  /** How an image becomes the model's input. */
  readonly preprocessing: Preprocessing;
}
