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
  finishedOf,
  fuseJob,
  packageJob,
  partitionJob,
  profileJob,
  reportJob,
  sliceJob,
  targetsJob,
  teachJob,
  trainJob,
  type Finished,
} from './artefacts.ts';
import { asksTeacher } from './asks-teacher.ts';
import type { EnergyRates } from './energy.ts';
import * as estimates from './estimates.ts';
import type { PlannedFleet } from './plan-fleets.ts';
import { refusePartitionFile } from './refuse-partition-file.ts';
import type { FleetsInput } from './schema.ts';
import * as settings from './settings.ts';
import type { ReportHandling } from './work/report.ts';

/**
 * The stages of a method that serves fleets: their jobs, and the files that these read of which jobs. Slice and train are jobs
 * of single models; a model of one fleet needs none of another.
 * @param plan its fleets, by arithmetic alone: it is asked by every stage
 * @param energy where its report tells what an image takes
 */
export function fleetStages<Input extends FleetsInput>(
  plan: (input: Input) => readonly PlannedFleet[],
  energy?: (input: Input) => EnergyRates,
) {
  /** What the teacher says of the images that are learned from, once. */
  const targets: Stage<Input> = {
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
  const partition: Stage<Input> = {
    name: 'partition',
    version: 1,
    needsEngine: false,
    plan: (input) =>
      plan(input).map((fleet) => {
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
  const slice: Stage<Input> = {
    name: 'slice',
    version: 2,
    plan: (input) =>
      plan(input).flatMap((fleet) =>
        modelsOf(fleet).map(({ name, subset, taught }) => ({
          id: sliceJob(name),
          ...reads({
            ...learningFiles(input),
            ...teacherFiles,
            ...checked,
            ...subset,
            ...(taught && { [teachJob(name)]: [files.model] }),
          }),
          settings: settings.sliceSettings(input, fleet, name),
          handling: batchHandling(input),
          estimate: estimates.sliceEstimate(input),
        })),
      ),
    work: () => import('./work/slice.ts'),
  };

  /** Retrains what was cut, from what the teacher said. */
  const train: Stage<Input> = {
    name: 'train',
    version: 1,
    plan: (input) =>
      plan(input).flatMap((fleet) =>
        modelsOf(fleet).map(({ name, subset, taught }) => ({
          id: trainJob(name),
          ...reads({
            ...learningFiles(input, 'selection'),
            ...taughtFiles(input, name, taught),
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
  const fuse: Stage<Input> = {
    name: 'fuse',
    version: 1,
    plan: (input) =>
      plan(input).map((fleet) => ({
        id: fuseJob(fleet.name),
        ...reads({
          ...learningFiles(input, 'selection'),
          [targetsJob]: [files.learningTargets, files.selectionTargets],
          ...(input.loaded.config.fusion.heads.includes('tokens') && teacherFiles),
          ...finishedFiles(fleet, ({ learning, selection }) => [learning, selection], [files.fusion]),
        }),
        settings: settings.fuseSettings(input, fleet),
        estimate: estimates.fuseEstimate,
      })),
    work: () => import('./work/fuse.ts'),
  };

  /** Times every sub-model and the teacher, alone on the machine. Weights do not matter, so training is not waited for. */
  const profile: Stage<Input> = {
    name: 'profile',
    version: 1,
    needsEngine: false,
    plan: (input) =>
      plan(input).map((fleet) => ({
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
  const packages: Stage<Input> = {
    name: 'package',
    version: 1,
    plan: (input) =>
      plan(input).map((fleet) => ({
        id: packageJob(fleet.name),
        folder: deploymentFolder(fleet.name),
        ...reads({
          ...learningFiles(input, 'selection'),
          ...teacherFiles,
          [partitionJob(fleet.name)]: [files.partition],
          [fuseJob(fleet.name)]: [files.fusion, files.fusionReport],
          [profileJob(fleet.name)]: [files.latency],
          ...finishedFiles(fleet, ({ model }) => [model]),
        }),
        settings: settings.packageSettings(input, fleet),
        estimate: estimates.packageEstimate(input),
      })),
    work: () => import('./work/package.ts'),
  };

  /** Touches the test split, once. */
  const report: Stage<Input> = {
    name: 'report',
    version: 3,
    plan: (input) => {
      const fleets = plan(input);
      const whole = input.inputs.classes.subset === null ? teacherFiles : wholeTeacherFiles;
      return [
        {
          id: reportJob,
          ...reads(
            { ...splitFiles(['test'], commonFiles.sources), ...whole },
            Object.assign({}, ...fleets.map(reportedFiles)) as Files,
          ),
          settings: settings.reportSettings(input, fleets, energy?.(input) ?? null),
          handling: { ...batchHandling(input), name: input.loaded.name } satisfies ReportHandling,
          estimate: estimates.reportEstimate(input),
        },
      ];
    },
    work: () => import('./work/report.ts'),
  };

  return { targets, partition, slice, train, fuse, profile, packages, report };
}

/** What teaches a model: the teacher or one of its own, as what it said, or itself where it is asked again. */
function taughtFiles({ loaded }: FleetsInput, name: string, taught: boolean): Files {
  const asks = asksTeacher(loaded.config.train);
  if (!taught) {
    const told = { [targetsJob]: [files.learningTargets] };
    return asks ? { ...teacherFiles, ...told } : { [teacherJob]: [commonFiles.teacherInfo], ...told };
  }
  return {
    [teacherJob]: [commonFiles.teacherInfo],
    [teachJob(name)]: [files.learningTargets, ...(asks ? [files.model] : [])],
  };
}

/** Some files of finished sub-models; where they were trained together, others of that training, too. */
function finishedFiles(
  fleet: PlannedFleet,
  named: (finished: Finished) => readonly string[],
  joint: readonly string[] = [],
): Files {
  const all = fleet.submodels.map((one) => finishedOf(fleet, one));
  const jobs = [...new Set(all.map(({ job }) => job))];
  return Object.fromEntries(
    jobs.map((job) => [
      job,
      [...all.flatMap((one) => (one.job === job ? named(one) : [])), ...(fleet.joint ? joint : [])],
    ]),
  );
}

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
    ...(fleet.joint && finishedFiles(fleet, ({ model }) => [model], [files.history])),
    ...ofEach(
      fleet.submodels.flatMap(({ name, taught }) => (taught ? [teachJob(name)] : [])),
      files.teachReport,
    ),
  };
}

/** The splits that are learned from, and others. */
export function learningFiles({ loaded }: FleetsInput, ...others: 'selection'[]): Files {
  const trains = loaded.config.teacher.train !== undefined;
  return splitFiles([...(trains ? (['train'] as const) : []), 'calibration', ...others]);
}

/** Sub-models with the subset that each knows, and baselines, which know every class. */
export function modelsOf(
  fleet: PlannedFleet,
): { readonly name: string; readonly subset: Files; readonly taught: boolean }[] {
  return [
    ...fleet.submodels.map(({ name, index, taught }) => ({
      name,
      subset: { [partitionJob(fleet.name)]: [files.subset(index)] },
      taught,
    })),
    ...fleet.baselines.map(({ name }) => ({ name, subset: {}, taught: false })),
  ];
}
