import type { SplitItem } from '../../../../datasets/contract.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { openSplit, readSplit } from '../../common/open.ts';
import type { ImageAccess } from '../../common/artefacts.ts';
import type { OpenSplit } from '../../../../datasets/batches.ts';

/**
 * The images that sub-models learn from, in an order that all jobs share: the calibration split, and before it the train
 * split where the teacher was trained here. An image of both stands once.
 */
export async function readLearningItems(context: JobContext, trains: boolean): Promise<SplitItem[]> {
  const train = trains ? (await readSplit(context, 'train')).items : [];
  const { items } = await readSplit(context, 'calibration');
  const seen = new Set(train.map(({ sha256 }) => sha256));
  return [...train, ...items.filter(({ sha256 }) => !seen.has(sha256))];
}

/** The same, opened. */
export async function openLearning(
  context: JobContext,
  trains: boolean,
  access: ImageAccess,
): Promise<OpenSplit> {
  const items = await readLearningItems(context, trains);
  return { ...(await openSplit(context, 'calibration', access)), items };
}
