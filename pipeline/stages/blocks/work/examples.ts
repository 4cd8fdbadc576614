import { join } from 'node:path';
import { sharp } from '../../../../datasets/sharp.ts';
import type { OpenSplit } from '../../../../datasets/batches.ts';
import { extentOf } from '../../../model/family/image-size.ts';
import type { Said } from '../../../measure/said.ts';
import { examplesFile, writeExamples, type Example } from '../../../report/examples-file.ts';
import { writeFileAtomic } from '../../../util/atomic.ts';

/** A small model beside its teacher, over the same images. */
export interface Compared {
  readonly labels: readonly number[];
  readonly teacher: Said;
  readonly model: Said;
}

/** Places of images in their split. */
interface Differing {
  /** What the teacher has right and the model wrong, the label's probability fallen furthest first. */
  readonly lost: readonly number[];
  /** The reverse, risen furthest first. */
  readonly gained: readonly number[];
}

export function differingImages({ labels, teacher, model }: Compared): Differing {
  const images = labels.map((_, image) => image);
  const isRight = ({ chosen }: Said, image: number) => chosen[image] === labels[image];
  const fallen = (image: number) => teacher.labelProbability[image]! - model.labelProbability[image]!;
  return {
    lost: images
      .filter((image) => isRight(teacher, image) && !isRight(model, image))
      .sort((a, b) => fallen(b) - fallen(a) || a - b),
    gained: images
      .filter((image) => isRight(model, image) && !isRight(teacher, image))
      .sort((a, b) => fallen(a) - fallen(b) || a - b),
  };
}

/** @param count of each kind that are shown, with their pictures; counted are all */
export async function writeExampleImages(
  folder: string,
  compared: Compared & { readonly id: string },
  split: Pick<OpenSplit, 'items' | 'load' | 'preparer'>,
  count: number,
): Promise<void> {
  const { lost, gained } = differingImages(compared);
  const show = async (kind: string, images: readonly number[]): Promise<Example[]> => {
    const shown = images.slice(0, count);
    const pictures = await picturesOf(split, shown);
    return Promise.all(
      shown.map(async (image, index) => {
        const file = `${kind}-${String(index + 1).padStart(2, '0')}.webp`;
        await writeFileAtomic(join(folder, file), pictures[index]!);
        const { labels, teacher, model } = compared;
        return { image, file, label: labels[image]!, teacher: of(teacher, image), model: of(model, image) };
      }),
    );
  };
  await writeExamples(join(folder, examplesFile), {
    model: compared.id,
    lost: { images: lost.length, shown: await show('lost', lost) },
    gained: { images: gained.length, shown: await show('gained', gained) },
  });
}

function of({ chosen, probability, labelProbability }: Said, image: number): Example['teacher'] {
  return {
    class: chosen[image]!,
    probability: Math.min(1, probability[image]!),
    labelProbability: Math.min(1, labelProbability[image]!),
  };
}

/** Pixels of the longer side: shown at half of that, sharp on dense screens. */
const longestSide = 192;
/** Below, every pixel counts, and lossless files are as small. */
const drawnExactly = 64;

/** WebP of what the model sees, before it is normalised. */
async function picturesOf(
  { items, load, preparer }: Pick<OpenSplit, 'items' | 'load' | 'preparer'>,
  images: readonly number[],
): Promise<Buffer[]> {
  const { crop, channels } = preparer.preprocessing;
  const { width, height } = extentOf(crop);
  const { pixels } = await load(images.map((image) => items[image]!));
  const size = width * height * channels;
  return Promise.all(
    images.map((_, index) =>
      sharp(pixels.subarray(index * size, (index + 1) * size), { raw: { width, height, channels } })
        .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
        .webp(Math.max(width, height) <= drawnExactly ? { lossless: true } : { quality: 80 })
        .toBuffer(),
    ),
  );
}
