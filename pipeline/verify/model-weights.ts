import { withSafetensors } from '../model/safetensors.ts';
import { ffnExtents } from '../model/architecture.ts';
import type { Model } from '../compose/open-model.ts';
import { storedWeights, type StoredWeight } from '../graphs/weight-places.ts';
import type { ManifestFile } from '../library/manifest.ts';
import { frameShapes, torchFfnShapes } from '../library/weight-shapes.ts';
import { checkTensors } from '../library/weights.ts';
import { tally, type Check, type Finding } from './finding.ts';
import { checkOwner } from './weights.ts';

export interface ModelWeights {
  readonly checks: readonly Check[];
  /** Where every tensor lies; absent where a file is damaged or is none. */
  readonly places?: ReadonlyMap<string, StoredWeight>;
}

/**
 * The weight files of a model: the tensors that its architecture and widths demand, float32 (the graphs read their bytes)
 * and finite, of the descendants it names and of one teacher. Holds one tensor at a time.
 *
 * @param damaged paths of files that are known to be damaged: nothing more is said of them
 */
export async function verifyModelWeights(
  model: Model,
  damaged: ReadonlySet<string>,
  findings: Finding[],
  {
    signal,
    onFile,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly onFile?: (done: number, total: number) => void;
  } = {},
): Promise<ModelWeights> {
  const { architecture, widths, descendants } = model.manifest;
  const frame = tally('frame', findings, damaged);
  const weights = tally('weights', findings, damaged);
  const places = new Map<string, StoredWeight>();
  let teacher: string | undefined;
  const look = async (
    file: ManifestFile,
    shapes: Readonly<Record<string, readonly number[]>>,
    owner: Readonly<Record<string, string>>,
  ): Promise<void> => {
    const path = model.pathOf(file);
    for (const [name, place] of await storedWeights(path, file.path)) places.set(name, place);
    await withSafetensors(path, async (open) => {
      checkOwner(path, open.metadata, { ...owner, ...(teacher !== undefined && { teacher }) });
      teacher ??= open.metadata.teacher;
      await checkTensors(open, shapes);
    });
  };

  const parts = [
    { check: frame, file: model.frame, shapes: frameShapes(architecture), owner: {} },
    ...model.blocks.map((file, block) => ({
      check: weights,
      file,
      shapes: torchFfnShapes(block, ffnExtents(architecture, block, widths[block]!)),
      owner: { id: descendants[block]! },
    })),
  ] as const;
  for (const [index, { check, file, shapes, owner }] of parts.entries()) {
    signal?.throwIfAborted();
    await check.read(file.path, model.pathOf(file), () => look(file, shapes, owner));
    onFile?.(index + 1, parts.length);
  }
  const checks = [frame.result(), weights.result()];
  return { checks, ...(checks.every(({ passed, of }) => passed === of) && { places }) };
}
