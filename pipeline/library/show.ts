import type { Manifest, ManifestDescendant } from './manifest.ts';
import { openLibrary } from './open.ts';
import type { Accuracy, DescendantSummary, LibrarySummary } from './summary.ts';

/**
 * Opens a library and sums it up for tables and `show --json`. Loads no engine.
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function readLibrarySummary(path: string): Promise<LibrarySummary> {
  const { manifest } = await openLibrary(path);
  return summariseManifest(manifest);
}

export function summariseManifest(manifest: Manifest): LibrarySummary {
  const { teacher, blocks, uniform, engine } = manifest;
  return {
    engine: `${engine.version} on ${engine.device}`,
    seed: manifest.seed,
    images: manifest.data.selection.images,
    teacher: {
      top1: teacher.accuracy.top1Percent.mean,
      top1Low: teacher.accuracy.top1Percent.low,
      top1High: teacher.accuracy.top1Percent.high,
      images: teacher.accuracy.images,
      params: teacher.params,
      macs: teacher.macs,
    },
    blocks: blocks.map(({ name, descendants }) => ({
      block: name,
      descendants: descendants.map(describeDescendant),
    })),
    uniform: uniform.map(({ sparsity, params, macs, refit, distilled }) => ({
      sparsity,
      params,
      macs,
      refit: describeAccuracy(refit),
      ...(distilled && { distilled: describeAccuracy(distilled) }),
    })),
  };
}

function describeDescendant(item: ManifestDescendant): DescendantSummary {
  const { top1Pp, kl, agreementPercent } = item.deltas.teacher;
  return {
    id: item.id,
    width: item.width,
    sparsity: item.sparsity,
    rank: item.rank,
    top1DeltaPp: top1Pp,
    kl,
    agreement: agreementPercent,
    ...(item.gainOverRefit !== null && { gainOverRefit: item.gainOverRefit }),
    dominated: item.dominated,
    params: item.params,
    macs: item.macs,
    latencyMs: item.latencyMs,
  };
}

function describeAccuracy(scores: NonNullable<Manifest['uniform'][number]['distilled']>): Accuracy {
  const { top1Percent, top1DeltaPp, kl, agreementPercent } = scores;
  return {
    top1: top1Percent.mean,
    top1Low: top1Percent.low,
    top1High: top1Percent.high,
    top1DeltaPp,
    kl,
    agreement: agreementPercent,
  };
}
