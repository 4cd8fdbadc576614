import { teachersWeights, type ComparedModel, type ComparedRun } from '../../../report/compared-run.ts';
import { answerNames } from '../answer-names.ts';
import type { FleetReport, FleetsMethod } from '../report-file.ts';
import { fleetsFacts } from './facts.ts';
import { readFleetsRun } from './read-run.ts';
import { smallLabel, totalCost } from './told.ts';

/**
 * The whole models of a run on its test images. What a fleet costs is what all its devices carry together, so that it stands fairly
 * beside single models; its time is that of the slowest device.
 */
export async function comparedFleets(
  runFolder: string,
  method: FleetsMethod,
): Promise<ComparedRun | undefined> {
  const run = await readFleetsRun(runFolder, method);
  if (run === undefined) return undefined;
  const { report, split, answers, teacherSha256 } = run;
  const sha256 = split ?? answers?.split;
  const { restrictedPercent, macs, sizeBytes } = report.teacher;
  if (restrictedPercent === null || sha256 === undefined) return undefined;
  const [first] = report.fleets;
  return {
    name: run.name,
    method,
    facts: [...fleetsFacts(run), ...(teacherSha256 === undefined ? [] : [teachersWeights(teacherSha256)])],
    images: report.images,
    split: { name: 'test', sha256: sha256 as ComparedRun['split']['sha256'] },
    confidence: report.confidence,
    models: [
      {
        id: answerNames.teacher,
        label: 'teacher',
        kind: 'teacher',
        macs,
        sizeBytes,
        latencyMs: first?.teacherP50Ms ?? undefined,
        top1Percent: restrictedPercent,
      },
      ...report.fleets.flatMap(modelsOf),
    ],
    answers,
  };
}

function modelsOf(fleet: FleetReport): ComparedModel[] {
  const { name, fused, small, p50Ms } = fleet;
  return [
    {
      id: answerNames.fused(name),
      label: `${name}, fused`,
      kind: 'fused',
      ...totalCost(fleet),
      latencyMs: p50Ms ?? undefined,
      top1Percent: fused.top1Percent,
    },
    ...small.map(({ kind, macs, sizeBytes, top1Percent }): ComparedModel => ({
      id: answerNames.small(name, kind),
      label: `${name}, ${smallLabel(kind)}`,
      kind: 'small',
      macs,
      sizeBytes,
      top1Percent,
    })),
  ];
}
