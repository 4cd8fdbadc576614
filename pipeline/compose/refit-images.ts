import { createAdmission } from '../../datasets/admission.ts';
import { openBatches, type OpenSplit } from '../../datasets/batches.ts';
import type { SplitItem } from '../../datasets/contract.ts';
import { openImageCache } from '../../datasets/image-cache.ts';
import { createPreparer } from '../../datasets/prepare.ts';
import { openUnlabelled } from '../../datasets/sources/folder/open-unlabelled.ts';
import { splitHash } from '../../datasets/splits.ts';
import { openMeasuredSplit, type MeasureSource, type ReadingOptions } from '../library/images.ts';
import type { Library } from '../library/open.ts';
import { calibrationImages, chainImages } from '../recipe/calibration.ts';
import { fail } from '../util/failure.ts';
import type { RefittedModel } from './model-manifest.ts';
import { refitSettings } from './refit-settings.ts';

/** Images to fit a composition to, and others to judge it by. No label is read. */
export interface RefitImages {
  readonly record: RefittedModel['images'];
  readonly training: readonly SplitItem[];
  readonly heldOut: readonly SplitItem[];
  readonly batchesOf: OpenSplit['tensorBatches'];
}

/** Fewer say nothing of a model that was fitted to them. */
const leastImages = 20;
const cacheBytes = 20e9;

/**
 * The calibration images that the library's blocks were fitted to, or those of `folder`.
 * @throws BlockForgeError `data-invalid` where these are other images or too few; `file-missing` and others as the source does
 */
export async function openRefitImages(
  library: Library,
  from: { readonly source: MeasureSource } | { readonly folder: string },
  options: ReadingOptions = {},
): Promise<RefitImages> {
  const settings = refitSettings(library.manifest);
  const isFolder = 'folder' in from;
  const open = isFolder
    ? await openFolderImages(library, from.folder, options)
    : await openMeasuredSplit(library, from.source, 'calibration', options);
  if (open.items.length < leastImages) {
    fail({
      reason: 'data-invalid',
      subject: isFolder ? from.folder : from.source.origin,
      found: `${open.items.length} images`,
      expected: `${leastImages} or more to fit blocks to, better thousands`,
    });
  }
  const all = calibrationImages(settings.calibration, open.items);
  const available = { training: all.training.length, heldOut: all.heldOut.length };
  const most = isFolder ? null : settings.images;
  const counts =
    most === null
      ? available
      : chainImages({ images: most, heldOut: settings.calibration.heldOut }, available);
  const training = all.training.slice(0, counts.training);
  const heldOut = all.heldOut.slice(0, counts.heldOut);
  return {
    record: {
      from: isFolder ? 'folder' : 'calibration',
      ...counts,
      sha256: splitHash([...training, ...heldOut]),
    },
    training,
    heldOut,
    batchesOf: (items, batchSize) => open.tensorBatches(items, batchSize),
  };
}

/** Every image of a folder, whatever is in between, that can be read. */
async function openFolderImages(
  { manifest }: Library,
  folder: string,
  { signal, onProgress, warn = () => {} }: ReadingOptions,
): Promise<OpenSplit> {
  const source = await openUnlabelled(folder);
  const cache = openImageCache({ maxBytes: cacheBytes, warn });
  const preparer = createPreparer(source, manifest.teacher.preprocessing, cache);
  const total = source.items.length;
  let seen = 0;
  const admission = createAdmission({
    source,
    examine: (item) => preparer.admit(item),
    asked: total,
    maxCorruptShare: 1,
    signal,
    onExamined: (count) => {
      seen += count;
      onProgress?.({ fraction: seen / total, note: `image ${seen}/${total}` });
    },
  });
  const { kept } = await admission.admit(source.items);
  admission.warnings().forEach(warn);
  return openBatches(kept, preparer, signal);
}
