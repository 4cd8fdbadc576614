import type { RawBatch } from '../../../datasets/contract.ts';
import { augmentImages } from '../../augment/augment-images.ts';
import { drawErasures, type Erasure } from '../../augment/draw-erasures.ts';
import { drawMix, type Mix } from '../../augment/draw-mix.ts';
import { mirrorImages } from '../../augment/mirror-images.ts';
import { random } from '../../util/random.ts';
import type { ImageStore } from './image-store.ts';
import type { TrainingSettings } from './schema.ts';

/** The images of one step on the host, and what is still to be done to them on the engine. */
export interface DrawnBatch {
  readonly batch: RawBatch;
  /** Of each image, in the store. */
  readonly places: Uint32Array;
  readonly mirrored: readonly boolean[];
  readonly erasures: readonly Erasure[];
  readonly mix: Mix;
}

/** Reads the images at `places` and varies them. A function of places, settings, seed and step alone. */
export async function drawBatch(
  images: ImageStore,
  places: Uint32Array,
  augment: TrainingSettings['augment'],
  seed: number,
  step: number,
): Promise<DrawnBatch> {
  const plain = await images.read(places);
  const { mean } = images.preprocessing;
  const stream = random(seed, 'sub-models', 'augment', step);
  const mirrored = Array.from(places, () => augment.flip && stream.next() < 0.5);
  const batch = await augmentImages(
    mirrorImages(plain, mirrored),
    { ...augment, flip: false },
    stream,
    mean.map((value) => Math.round(255 * value)),
  );
  const { count, size, channels } = batch;
  const erasures = drawErasures(count, size, channels, augment, stream);
  return { batch, places, mirrored, erasures, mix: drawMix(count, size, augment, stream) };
}
