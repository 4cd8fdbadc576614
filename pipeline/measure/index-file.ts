import { readTensors, withSafetensors, writeSafetensors } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { featureJudge } from './feature-judge.ts';
import type { Judge } from './judge.ts';
import { measureKinds, type MeasureKind } from './measure-names.ts';
import { nearestNeighbours, zeroShot, type FeatureIndex } from './voters.ts';

/** Of models that answer with features. */
export type IndexKind = Exclude<MeasureKind, 'classes'>;

/** `features` [n, F] of length 1 and `labels` [n] (I32); what they are for stands in the header. */
export async function writeIndexFile(path: string, kind: IndexKind, index: FeatureIndex): Promise<void> {
  const { width, classes, features, labels } = index;
  await writeSafetensors(
    path,
    {
      features: { shape: [labels.length, width], data: features },
      labels: { shape: [labels.length], data: labels },
    },
    { kind, classes: String(classes) },
  );
}

/** What scores by an index file. On the engine. @throws BlockForgeError `file-missing`, `file-invalid` */
export async function readJudge(path: string): Promise<Judge> {
  return withSafetensors(path, async (file) => {
    const { kind, classes: said } = file.metadata;
    const classes = Number(said);
    const [rows, width] = file.info('features').shape;
    const features = await file.read('features');
    const labels = await file.readTyped('labels');
    const isWhole =
      measureKinds.includes(kind as MeasureKind) &&
      kind !== 'classes' &&
      rows !== undefined &&
      rows > 0 &&
      width !== undefined &&
      labels instanceof Int32Array &&
      labels.length === rows &&
      labels.every((label) => label >= 0 && label < classes);
    if (!isWhole) {
      return fail({
        reason: 'file-invalid',
        subject: path,
        found: 'no labelled features',
        expected: 'features [n, F], and labels [n] below the number of classes',
      });
    }
    const index: FeatureIndex = { width, classes, features, labels };
    return featureJudge(width, kind === 'k-nn' ? nearestNeighbours(index) : zeroShot(index));
  });
}

/** The only matrix of a file of text embeddings. @throws BlockForgeError `file-missing`, `file-invalid` */
export async function readEmbeddings(
  path: string,
): Promise<{ rows: number; width: number; data: Float32Array }> {
  const [tensor] = Object.values((await readTensors(path)).tensors);
  const [rows, width] = tensor?.shape ?? [];
  if (tensor === undefined || rows === undefined || width === undefined) {
    return fail({ reason: 'file-invalid', subject: path, found: 'no matrix', expected: '[classes, F]' });
  }
  return { rows, width, data: tensor.data };
}
