import type { MethodSchema } from '../../config/method.ts';
import type { Config } from '../../config/schema.ts';
import type { JobId, Stage } from '../../runner/contract.ts';
import type { ComparedRun } from '../../report/compared-run.ts';
import type { ReportPage } from '../../report/page.ts';
import type { OtherCheckpoint, PlanInput } from './plan-input.ts';

/** What a run ends with, where it makes no library. */
export interface Ending {
  /** The job that it is read from: shown at a run's end only where that one is up to date. */
  readonly job: JobId;
  /** Undefined where the run folder holds none of this method. */
  readonly read: (runFolder: string) => Promise<EndingText | undefined>;
}

/** What a run came to. Lines are for so many columns, and none is wider where that can be. */
export interface EndingText {
  readonly json: unknown;
  /** All tables, for `show`. */
  readonly text: (columns: number) => string;
  /** What matters most, for a run's end: at most `rows` lines. */
  readonly brief: (columns: number, rows: number) => readonly string[];
  /** Folders below the run folder that go to devices. */
  readonly deployments: readonly string[];
}

/** What a method says of a run for its report; both read the run's files alone, and take what is missing as missing. */
export interface ReportOf {
  /** The page without what every method has (`report/common/`). Undefined where there is nothing yet to tell. */
  readonly page: (runFolder: string) => Promise<ReportPage | undefined>;
  /** Undefined where no whole model was measured. */
  readonly compared: (runFolder: string) => Promise<ComparedRun | undefined>;
  /** By stage, what its jobs have checked, where all of them are done: sentences. */
  readonly gates?: Readonly<Record<string, string>> | undefined;
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
  /** Its report, loaded late. */
  readonly report?: (() => Promise<ReportOf>) | undefined;
  /** Checkpoints that a config names beside the teacher's. They are looked into before planning, as `inputs.others`. */
  others?(config: C): readonly OtherCheckpoint[];
  /** What a plan says of it beside the jobs, e.g. how many of the images each stage is going to use; sentences. */
  notes?(input: PlanInput<C>): readonly string[];
  /** Stages that are chains, or few long jobs, only because the config wants it so, with the setting that frees or cuts them. */
  frees?(config: C): Readonly<Record<string, string>>;
}
