import { writeDeployment } from '../../../deployment/write-deployment.ts';
import type { DeviceLimits } from '../../../deployment/deployment-manifest.ts';
import type { DeploymentInput } from '../../../deployment/input.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { modelCosts } from '../../../model/costs.ts';
import { loadEngine, type EngineName } from '../../../tensor/engine.ts';
import { readJson } from '../../../util/atomic.ts';
import { sha256File, type Json } from '../../../util/hash.ts';
import { toolVersion } from '../../../util/package.ts';
import { profileScript } from '../../../profile/profile-file.ts';
import { commonFiles, teacherJob } from '../../common/artefacts.ts';
import { readSplit, readTeacherInfo } from '../../common/open.ts';
import { files, fuseJob, partitionJob, profileJob, type Finished } from '../artefacts.ts';
import type { LatencyFile } from './profile.ts';
import { readFusion } from './fusion-file.ts';
import { readModel } from './model-file.ts';
import type { PartitionFile } from './partition.ts';

export type PackageSettings = {
  readonly fleet: string;
  readonly trains: boolean;
  readonly submodels: readonly {
    readonly name: string;
    readonly device: string;
    readonly finished: Finished;
  }[];
  readonly devices: readonly { readonly name: string; readonly limits: DeviceLimits }[];
  readonly classNames: readonly string[];
  readonly seed: number;
};

/**
 * Writes the deployment of a fleet: a package for each device that hosts a sub-model, one for the coordinator.
 * Reads: splits, teacher, partition, trained sub-models, fusion, latencies. Writes: the deployment's folder.
 */
export async function run({ settings }: Job<PackageSettings>, context: JobContext): Promise<Json> {
  const { fleet, trains, submodels, devices, classNames, seed } = settings;
  const { architecture, preprocessing } = await readTeacherInfo(context);
  const { subsets } = await readJson<PartitionFile>(context.input(partitionJob(fleet), files.partition));
  const latency = await readJson<LatencyFile>(context.input(profileJob(fleet), files.latency));
  const models = await Promise.all(
    submodels.map(async ({ name, finished }, index): Promise<DeploymentInput['models'][number]> => {
      const path = context.input(finished.job, finished.model);
      const { architecture: own } = await readModel(path);
      const classes = subsets[index]!;
      return {
        name,
        classes,
        other: classes.length < architecture.classes,
        architecture: own,
        weights: async () => (await readModel(path)).weights,
      };
    }),
  );
  const { params, macs } = modelCosts(architecture);
  const { name: engine, version, device, threads } = await loadEngine(context.engine as EngineName);
  const splits = [...(trains ? (['train'] as const) : []), 'calibration', 'selection'] as const;
  const data = await Promise.all(
    splits.map(async (name) => {
      const { items, sha256 } = await readSplit(context, name);
      return [name, { images: items.length, sha256 }] as const;
    }),
  );
  const { devices: written } = await writeDeployment(
    context.folder,
    {
      toolVersion: await toolVersion(),
      name: fleet,
      preprocessing,
      classes: architecture.classes,
      classNames,
      devices: devices.flatMap(({ name, limits }) => {
        const hosted = submodels.flatMap((one) => (one.device === name ? [one.name] : []));
        return hosted.length === 0 ? [] : [{ name, models: hosted, limits }];
      }),
      models,
      fusion: await readFusion(context.input(fuseJob(fleet), files.fusion)),
      profileScript,
      measured: { latency },
      seed,
      engine: { name: engine, version, device, threads },
      teacher: {
        sha256: await sha256File(context.input(teacherJob, commonFiles.teacher)),
        params,
        macs,
      },
      data: Object.fromEntries(data),
    },
    context.signal,
  );
  return { devices: written.length, largestBytes: Math.max(...written.map(({ sizeBytes }) => sizeBytes)) };
}
