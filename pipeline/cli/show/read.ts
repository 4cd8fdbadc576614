import type { Manifest, ManifestDescendant } from '../../library/manifest.ts';
import { rankedDelta } from '../../library/ranked-delta.ts';
import { openLibrary } from '../../library/open.ts';
import { recommendedModel } from '../../library/recommended-model.ts';
import type { DescendantSummary, LibrarySummary } from './summary.ts';
import { accuracyOf, readTestReport } from './test-report.ts';
import { known } from '../../util/known.ts';

/**
 * Opens a library and sums it up for tables and `show --json`, with the test split's numbers where the run that made
 * it is at hand. Loads no engine.
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function readLibrarySummary(path: string): Promise<LibrarySummary> {
  const { manifest, folder, manifestSha256 } = await openLibrary(path, { check: 'sizes' });
  const test = await readTestReport(folder, manifestSha256);
  return { ...summariseManifest(manifest), ...(test && { test }) };
}

export function summariseManifest(manifest: Manifest): LibrarySummary {
  const { teacher, blocks, uniform, engine, contexts, allocated, additivity, predictor } = manifest;
  const recommended = recommendedModel(manifest);
  const trainedOn = (['selection', 'test'] as const).filter((name) => manifest.data[name].mayBeTrainedOn);
  const widthOf = new Map(blocks.flatMap((block) => block.descendants.map(({ id, width }) => [id, width])));
  return {
    engine: `${engine.version} on ${engine.device}`,
    ...(teacher.measure && { measure: teacher.measure.kind }),
    seed: manifest.seed,
    images: manifest.data.selection.images,
    ...(manifest.fitted && { fitted: manifest.fitted }),
    ...(trainedOn.length > 0 && { mayBeTrainedOn: trainedOn }),
    ...(contexts && { contexts: contexts.map(({ name }) => name) }),
    teacher: {
      top1: teacher.accuracy.top1Percent.mean,
      top1Low: teacher.accuracy.top1Percent.low,
      top1High: teacher.accuracy.top1Percent.high,
      images: teacher.accuracy.images,
      params: teacher.params,
      macs: teacher.macs,
      ...(teacher.fittedHead && { fittedHead: teacher.fittedHead }),
    },
    blocks: blocks.map(({ name, descendants }) => ({
      block: name,
      descendants: descendants.map(describeDescendant),
    })),
    uniform: uniform.map(({ sparsity, params, macs, pruned, refit, distilled, gainsPp }) => ({
      sparsity,
      params,
      macs,
      ...(pruned && { pruned: accuracyOf(pruned) }),
      refit: accuracyOf(refit),
      ...(distilled && { distilled: accuracyOf(distilled) }),
      ...(gainsPp && { gainsPp }),
    })),
    ...(allocated && {
      allocated: allocated.map(({ sparsity, descendants, params, macs, scores, versusUniformPp }) => ({
        sparsity,
        widths: descendants.map((id) => known(widthOf, id)),
        params,
        macs,
        versusUniformPp,
        ...accuracyOf(scores),
      })),
    }),
    ...(recommended && {
      recommended: {
        kind: recommended.model.kind,
        sparsity: recommended.model.sparsity,
        params: recommended.model.params,
        top1DeltaPp: recommended.model.scores.top1DeltaPp,
        withinTolerance: recommended.withinTolerance,
      },
    }),
    ...(predictor && {
      prediction: {
        ...predictor.crossValidated.all,
        ...(additivity && { imageNoisePp: additivity.imageNoisePp.all }),
      },
    }),
  };
}

function describeDescendant(item: ManifestDescendant): DescendantSummary {
  const { top1Pp, klIncrease, kl } = rankedDelta(item);
  const { teacher, middle, sparsest } = item.deltas;
  const byContext = Object.entries({ teacher, middle, sparsest }).flatMap(([name, delta]) =>
    delta === undefined ? [] : [[name, { top1DeltaPp: delta.top1Pp, kl: delta.kl }] as const],
  );
  return {
    id: item.id,
    width: item.width,
    sparsity: item.sparsity,
    rank: item.rank,
    top1DeltaPp: top1Pp,
    byContext: Object.fromEntries(byContext),
    kl: klIncrease ?? kl,
    agreement: teacher.agreementPercent,
    ...(item.gainOverRefit !== null && { gainOverRefit: item.gainOverRefit }),
    dominated: item.dominated,
    params: item.params,
    macs: item.macs,
    latencyMs: item.latencyMs,
  };
}
