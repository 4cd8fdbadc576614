import { join } from 'node:path';
import { fittedHeadText } from '../../../library/fitted-head.ts';
import { collectFeatures } from '../../../measure/collect-features.ts';
import { proportionPercent } from '../../../measure/interval.ts';
import { headNames, withoutHead, type Architecture } from '../../../model/architecture.ts';
import type { HostWeights } from '../../../model/host-weights.ts';
import { uploadTeacher } from '../../../model/upload.ts';
import { writeTeacher } from '../../../checkpoint/teacher-file.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { fitHead, type LabelledFeatures } from '../../../train/ridge-head.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import type { Json } from '../../../util/hash.ts';
import { random } from '../../../util/random.ts';
import { commonFiles, type HeadFile, type ImageHandling, type TeacherInfo } from '../artefacts.ts';
import { openSplit } from '../open.ts';

export type HeadSettings = {
  /** Of standardised features, as a share of their variance; or chosen on the held-out images. */
  readonly ridge: number | 'auto';
  readonly seed: number;
};

/** Of the calibration images; ridge and temperature are chosen on them. */
const heldOutShare = 0.2;
const batchSize = 50;

/**
 * Gives a backbone without a head one for the classes of the data, fitted to the labels of the calibration images, and writes the
 * teacher. Reads: calibration split. Writes: the teacher, head.json. Costs: a forward pass of the images.
 * @param info of the teacher with its head; `backbone`: its weights without one
 */
export async function addHead(
  backbone: HostWeights,
  info: TeacherInfo,
  { ridge, seed }: HeadSettings,
  { images: access }: ImageHandling,
  path: string,
  context: JobContext,
): Promise<Json> {
  const { architecture, preprocessing } = info;
  const { classes } = architecture;
  const split = await openSplit(context, 'calibration', access, preprocessing);
  const items = random(seed, 'head', 'held-out').shuffle([...split.items]);
  const heldOut = Math.max(1, Math.round(heldOutShare * items.length));
  const seen = new Set(items.slice(heldOut).map(({ label }) => label));
  if (seen.size < classes) {
    fail({
      reason: 'data-invalid',
      subject: 'teacher.head',
      found: `${items.length - heldOut} calibration images to fit it to, of ${seen.size} of the data's ${classes} classes`,
      expected: 'images of every class',
      next: 'raise data.splits.calibration',
    });
  }
  const model = uploadTeacher(backbone, withoutHead(architecture));
  let found;
  try {
    found = await collectFeatures(model, split.tensorBatches(items, batchSize), items.length, {
      of: 'pooled',
      signal: context.signal,
      onImages: (done) =>
        context.progress({ fraction: done / items.length, note: `image ${done}/${items.length}` }),
    });
  } finally {
    model.dispose();
  }
  const { width, features, labels } = found;
  const rows = (from: number, to: number): LabelledFeatures => ({
    width,
    features: features.subarray(from * width, to * width),
    labels: labels.subarray(from, to),
  });
  const head = fitHead(rows(heldOut, items.length), rows(0, heldOut), classes, ridge);
  await writeTeacher(path, withHead(backbone, head, architecture, width), architecture, preprocessing);
  const { correct } = head.heldOut;
  const { mean: top1, low, high } = proportionPercent(correct, heldOut);
  const told: HeadFile = {
    images: items.length,
    heldOut: { images: heldOut, top1, low, high, nll: head.heldOut.nll },
    ridge: head.ridge,
    temperature: head.temperature,
  };
  await writeJsonAtomic(join(context.folder, commonFiles.head), told);
  const text = fittedHeadText({
    ...told,
    heldOut: { images: heldOut, top1Percent: { mean: top1, low, high } },
  });
  return { head: text, ...told };
}

/** Of two tokens side by side (a distilled DeiT that reads both), whose heads are averaged, each head gets its own half, doubled. */
function withHead(
  backbone: HostWeights,
  { weight, bias }: { readonly weight: Float64Array; readonly bias: Float64Array },
  architecture: Architecture,
  width: number,
): HostWeights {
  const { classes } = architecture;
  const names = headNames(architecture);
  const own = width / names.length;
  const heads = names.flatMap((name, place) => {
    const data = new Float32Array(classes * own);
    for (let i = 0; i < data.length; i++) {
      const row = Math.floor(i / own);
      data[i] = names.length * weight[row * width + place * own + (i % own)]!;
    }
    return [
      [`${name}.weight`, { shape: [classes, own], data }],
      [`${name}.bias`, { shape: [classes], data: Float32Array.from(bias) }],
    ] as const;
  });
  return { ...backbone, ...(Object.fromEntries(heads) as HostWeights) };
}
