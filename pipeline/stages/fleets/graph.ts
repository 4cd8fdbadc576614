import type { Stage } from '../../runner/contract.ts';
import { commonFiles, teacherJob } from '../common/artefacts.ts';
import { batchHandling } from '../common/graph.ts';
import {
  checked,
  ofEach,
  reads,
  splitFiles,
  teacherFiles,
  wholeTeacherFiles,
  type Files,
} from '../common/reads.ts';
import {
  deploymentFolder,
  files,
  fuseJob,
  packageJob,
  partitionJob,
  profileJob,
  reportJob,
  sliceJob,
  targetsJob,
  trainJob,
} from './artefacts.ts';
import * as estimates from './estimates.ts';
import { planFleets, type PlannedFleet } from './plan-fleets.ts';
import { refusePartitionFile } from './refuse-partition-file.ts';
import type { FleetsInput } from './schema.ts';
import * as settings from './settings.ts';
import type { ReportHandling } from './work/report.ts';

/**
 * The stages of methods that serve fleets, on one page: their jobs, and the files that these read of which jobs.
 * Slice and train are jobs of single models; a model of one fleet needs none of another.
 */

/** What the teacher says of the images that are learned from, once. */
export const targets: Stage<FleetsInput> = {
  name: 'targets',
  version: 1,
  plan: (input) => [
    {
      id: targetsJob,
      ...reads({ ...learningFiles(input, 'selection'), ...teacherFiles, ...checked }),
      settings: settings.targetsSettings(input),
      handling: batchHandling(input),
      estimate: estimates.targetsEstimate(input),
    },
  ],
  work: () => import('./work/targets.ts'),
};

/** Which classes stand together. */
export const partition: Stage<FleetsInput> = {
  name: 'partition',
  version: 1,
  needsEngine: false,
  plan: (input) =>
    planFleets(input).map((fleet) => {
      refusePartitionFile(fleet, input.inputs.classes.names);
      const { file } = fleet.partition;
      return {
        id: partitionJob(fleet.name),
        ...reads({ ...learningFiles(input), [targetsJob]: [files.learningTargets] }),
        settings: settings.partitionSettings(input, fleet),
        ...(file !== undefined && { files: [file], handling: { file } }),
        estimate: estimates.partitionEstimate,
      };
    }),
  work: () => import('./work/partition.ts'),
};

/** Cuts the teacher to what a sub-model may cost. */
export const slice: Stage<FleetsInput> = {
  name: 'slice',
  version: 1,
  plan: (input) =>
    planFleets(input).flatMap((fleet) =>
      modelsOf(fleet).map(({ name, subset }) => ({
        id: sliceJob(name),
        ...reads({ ...learningFiles(input), ...teacherFiles, ...checked, ...subset }),
        settings: settings.sliceSettings(input, fleet, name),
        handling: batchHandling(input),
        estimate: estimates.sliceEstimate(input),
      })),
    ),
  work: () => import('./work/slice.ts'),
};

/** Retrains what was cut, from what the teacher said. */
export const train: Stage<FleetsInput> = {
  name: 'train',
  version: 1,
  plan: (input) =>
    planFleets(input).flatMap((fleet) =>
      modelsOf(fleet).map(({ name, subset }) => ({
        id: trainJob(name),
        ...reads({
          ...learningFiles(input, 'selection'),
          [teacherJob]: [commonFiles.teacherInfo],
          [targetsJob]: [files.learningTargets],
          [sliceJob(name)]: [files.model],
          ...subset,
        }),
        settings: settings.trainSettings(input, fleet, name),
        handling: batchHandling(input),
        estimate: estimates.trainEstimate(input),
      })),
    ),
  work: () => import('./work/train.ts'),
};

/** Learns to put the sub-models' features together. */
export const fuse: Stage<FleetsInput> = {
  name: 'fuse',
  version: 1,
  plan: (input) =>
    planFleets(input).map((fleet) => ({
      id: fuseJob(fleet.name),
      ...reads({
        ...learningFiles(input, 'selection'),
        [targetsJob]: [files.learningTargets, files.selectionTargets],
        ...ofEach(submodelJobs(fleet), files.features('learning'), files.features('selection')),
      }),
      settings: settings.fuseSettings(input, fleet),
      estimate: estimates.fuseEstimate,
    })),
  work: () => import('./work/fuse.ts'),
};

/** Times every sub-model and the teacher, alone on the machine. Weights do not matter, so training is not waited for. */
export const profile: Stage<FleetsInput> = {
  name: 'profile',
  version: 1,
  needsEngine: false,
  plan: (input) =>
    planFleets(input).map((fleet) => ({
      id: profileJob(fleet.name),
      ...reads(
        ofEach(
          fleet.submodels.map(({ name }) => sliceJob(name)),
          files.model,
        ),
      ),
      settings: settings.profileSettings(input, fleet),
      exclusive: true,
      estimate: estimates.profileEstimate(input),
    })),
  work: () => import('./work/profile.ts'),
};

/** Writes a folder for every device and one for the coordinator: what is handed on. */
export const packages: Stage<FleetsInput> = {
  name: 'package',
  version: 1,
  plan: (input) =>
    planFleets(input).map((fleet) => ({
      id: packageJob(fleet.name),
      folder: deploymentFolder(fleet.name),
      ...reads({
        ...learningFiles(input, 'selection'),
        ...teacherFiles,
        [partitionJob(fleet.name)]: [files.partition],
        [fuseJob(fleet.name)]: [files.fusion, files.fusionReport],
        [profileJob(fleet.name)]: [files.latency],
        ...ofEach(submodelJobs(fleet), files.model),
      }),
      settings: settings.packageSettings(input, fleet),
      estimate: estimates.packageEstimate(input),
    })),
  work: () => import('./work/package.ts'),
};

/** Touches the test split, once. */
export const report: Stage<FleetsInput> = {
  name: 'report',
  version: 2,
  plan: (input) => {
    const fleets = planFleets(input);
    const whole = input.inputs.classes.subset === null ? teacherFiles : wholeTeacherFiles;
    return [
      {
        id: reportJob,
        ...reads(
          { ...splitFiles(['test'], commonFiles.sources), ...whole },
          Object.assign({}, ...fleets.map(reportedFiles)) as Files,
        ),
        settings: settings.reportSettings(input, fleets),
        handling: { ...batchHandling(input), name: input.loaded.name } satisfies ReportHandling,
        estimate: estimates.reportEstimate(input),
      },
    ];
  },
  work: () => import('./work/report.ts'),
};

/** Of a fleet; the packages are waited for, so that a report is of what was handed on. */
function reportedFiles(fleet: PlannedFleet): Files {
  const models = modelsOf(fleet).map(({ name }) => name);
  return {
    [partitionJob(fleet.name)]: [files.partition],
    [fuseJob(fleet.name)]: [files.fusion, files.fusionReport],
    [profileJob(fleet.name)]: [files.latency],
    [packageJob(fleet.name)]: [files.deployment],
    ...ofEach(models.map(sliceJob), files.model),
    ...ofEach(models.map(trainJob), files.model, files.history),
  };
}

/** The splits that are learned from, and others. */
function learningFiles({ loaded }: FleetsInput, ...others: 'selection'[]): Files {
  const trains = loaded.config.teacher.train !== undefined;
  return splitFiles([...(trains ? (['train'] as const) : []), 'calibration', ...others]);
}

/** Sub-models with the subset that each knows, and baselines, which know every class. */
function modelsOf(fleet: PlannedFleet): { readonly name: string; readonly subset: Files }[] {
  return [
    ...fleet.submodels.map(({ name, index }) => ({
      name,
      subset: { [partitionJob(fleet.name)]: [files.subset(index)] },
    })),
    ...fleet.baselines.map(({ name }) => ({ name, subset: {} })),
  ];
}

const submodelJobs = (fleet: PlannedFleet) => fleet.submodels.map(({ name }) => trainJob(name));
