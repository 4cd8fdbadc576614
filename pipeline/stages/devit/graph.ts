import type { JobPlan, Stage } from '../../runner/contract.ts';
import { known } from '../../util/known.ts';
import { batchHandling, data, teacher } from '../common/graph.ts';
import { checked, ofEach, reads, teacherFiles, type Files } from '../common/reads.ts';
import {
  ensembleJob,
  files,
  partitionJob,
  sliceJob,
  targetsJob,
  teachJob,
  trainJob,
} from '../fleets/artefacts.ts';
import { fleetStages, learningFiles, modelsOf } from '../fleets/graph.ts';
import { ensembleEstimate, teachEstimate } from './estimates.ts';
import { planDevit } from './plan-devit.ts';
import type { DevitInput } from './schema.ts';
import { ensembleSettings, startSettings, teachSettings } from './settings.ts';
import type { StartHandling, StartSettings } from './work/start.ts';

const shared = fleetStages<DevitInput>(planDevit, ({ loaded }) => loaded.config.energy);

/** Fine-tunes a copy of the teacher for every subset, where these are asked for. */
const teach: Stage<DevitInput> = {
  name: 'teach',
  version: 1,
  plan: (input) =>
    planDevit(input).flatMap((fleet) =>
      modelsOf(fleet)
        .filter(({ taught }) => taught)
        .map(({ name, subset }) => ({
          id: teachJob(name),
          ...reads({
            ...learningFiles(input, 'selection'),
            ...teacherFiles,
            ...checked,
            [targetsJob]: [files.selectionTargets],
            ...subset,
          }),
          settings: teachSettings(input, fleet, name),
          handling: batchHandling(input),
          estimate: teachEstimate(input),
        })),
    ),
  work: () => import('./work/teach.ts'),
};

/** What training starts from: cut out of the teacher, or a student of its own. */
const slice: Stage<DevitInput> = {
  ...shared.slice,
  plan(input) {
    const cut = new Map(shared.slice.plan(input).map((job) => [job.id, job]));
    return planDevit(input).flatMap((fleet) =>
      modelsOf(fleet).map(({ name }) => {
        const job = known(cut, sliceJob(name));
        const { start = { from: 'teacher' }, taught = false } =
          fleet.submodels.find((one) => one.name === name) ?? {};
        if (start.from === 'teacher') return withStart(job, start, {}, {});
        const told = taught ? teachJob(name) : targetsJob;
        return withStart(job, ...startSettings(input, start), { [told]: [files.learningTargets] });
      }),
    );
  },
  work: () => import('./work/start.ts'),
};

/** A job that cuts, as one that makes what a training starts from. */
function withStart(
  { settings, handling, reads: own, files: outside, needs, ...job }: JobPlan,
  start: StartSettings,
  found: Partial<StartHandling> & { readonly files?: readonly string[] },
  told: Files,
): JobPlan {
  const { files: more = [], ...place } = found;
  return {
    ...job,
    ...reads({ ...ofEach(needs), ...own, ...told }),
    settings: { ...(settings as object), start },
    handling: { ...(handling as object), ...place },
    files: [...(outside ?? []), ...more],
  };
}

/** Trains the sub-models of a fleet together, where that is asked for. */
const ensemble: Stage<DevitInput> = {
  name: 'ensemble',
  version: 1,
  plan: (input) =>
    planDevit(input)
      .filter(({ joint }) => joint)
      .map((fleet) => ({
        id: ensembleJob(fleet.name),
        ...reads({
          ...learningFiles(input, 'selection'),
          ...teacherFiles,
          [targetsJob]: [files.learningTargets],
          [partitionJob(fleet.name)]: [files.partition],
          ...ofEach(
            fleet.submodels.map(({ name }) => trainJob(name)),
            files.model,
          ),
        }),
        settings: ensembleSettings(input, fleet),
        handling: batchHandling(input),
        estimate: ensembleEstimate(input, fleet),
      })),
  work: () => import('./work/ensemble.ts'),
};

const { targets, partition, train, fuse, profile, packages, report } = shared;

/**
 * The method `devit`:
 *
 *     data -> teacher -> targets -> partition -> teach -> slice -> train -> ensemble -> fuse -> package -> report
 *                                                         slice -> profile -> package
 *
 * In the order data flows. `teach` and `ensemble` have jobs only where the config asks for them. Importing this loads no
 * engine: a stage's work is imported when it runs.
 */
export const stages: readonly Stage<DevitInput>[] = [
  data,
  teacher,
  targets,
  partition,
  teach,
  slice,
  train,
  ensemble,
  fuse,
  profile,
  packages,
  report,
];

export { prepareWorker } from '../common/graph.ts';
