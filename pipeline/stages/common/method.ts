import type { MethodSchema } from '../../config/method.ts';
import type { Config } from '../../config/schema.ts';
import type { JobId, Stage } from '../../runner/contract.ts';
import type { OtherCheckpoint, PlanInput } from './plan-input.ts';

/** What a run ends with, where it makes no library. */
export interface Ending {
  /** The job that it is read from: shown at a run's end only where that one is up to date. */
  readonly job: JobId;
  /** Undefined where the run folder holds none of this method. */
  readonly read: (
    runFolder: string,
  ) => Promise<{ readonly json: unknown; readonly text: string } | undefined>;
}

/** A way from a teacher to what is handed on: what its config may say, and the jobs that follow from it. */
export interface Method<C extends Config> extends MethodSchema<C> {
  readonly stages: readonly Stage<PlanInput<C>>[];
  /** Path of the module that exports them, for the processes that do their jobs. */
  readonly registry: string;
  /**
   * The job that makes the library, published as `library`; absent where the method makes none, or something else. Its
   * settings hold the whole config as `config`: by them `verify` and `compose` find the images again.
   */
  readonly library?: JobId | undefined;
  /** What a run ends with where it makes no library. */
  readonly ending?: Ending | undefined;
  /** Checkpoints that a config names beside the teacher's. They are looked into before planning, as `inputs.others`. */
  others?(config: C): readonly OtherCheckpoint[];
  /** What a plan says of it beside the jobs, e.g. how many of the images each stage is going to use; sentences. */
  notes?(input: PlanInput<C>): readonly string[];
}
