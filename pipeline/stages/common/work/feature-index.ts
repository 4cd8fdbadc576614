import { join } from 'node:path';
import { collectFeatures } from '../../../measure/collect-features.ts';
import { unitFeatures } from '../../../measure/feature-loss.ts';
import { readEmbeddings, writeIndexFile, type IndexKind } from '../../../measure/index-file.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, type BatchHandling } from '../artefacts.ts';
import { openSplit, openTeacher } from '../open.ts';

export type IndexSettings = {
  readonly kind: IndexKind;
  /** Of the data. */
  readonly classes: number;
};

export type IndexHandling = BatchHandling & {
  /** Of the classes' names; null where neighbours vote. */
  readonly textEmbeddings: string | null;
};

/**
 * What features are given their classes by: the teacher's features of the labelled calibration images, or embeddings of the classes'
 * names. Reads: calibration split, teacher. Writes: index.safetensors. Costs: a forward pass of the images.
 */
export async function makeIndex(
  { settings: { kind, classes }, handling }: Job<IndexSettings, IndexHandling>,
  context: JobContext,
): Promise<Json> {
  const path = join(context.folder, commonFiles.index);
  if (handling.textEmbeddings !== null) {
    const { rows, width, data } = await readEmbeddings(handling.textEmbeddings);
    const labels = Int32Array.from({ length: rows }, (_, row) => row);
    const features = Float32Array.from(unitFeatures(data, width));
    await writeIndexFile(path, kind, { width, classes, features, labels });
    return { kind, rows };
  }
  const split = await openSplit(context, 'calibration', handling.images);
  const { length: images } = split.items;
  const seen = new Set(split.items.map(({ label }) => label)).size;
  if (seen < classes) {
    context.warn(
      `${images} calibration images vote, of ${seen} of the data's ${classes} classes: images of the others cannot be right; raise data.splits.calibration`,
    );
  }
  const model = await openTeacher(context);
  try {
    const found = await collectFeatures(model, split.tensorBatches(split.items, handling.batchSize), images, {
      of: 'answer',
      signal: context.signal,
      onImages: (done) => context.progress({ fraction: done / images, note: `image ${done}/${images}` }),
    });
    const features = Float32Array.from(unitFeatures(found.features, found.width));
    await writeIndexFile(path, kind, { ...found, classes, features });
    return { kind, images };
  } finally {
    model.dispose();
  }
}
