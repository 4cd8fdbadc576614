import type { FusionData } from '../../../pipeline/submodels/fusion/fusion-task.ts';
import { random } from '../../../pipeline/util/random.ts';

/**
 * Features as a fleet sends them: class means, noise that sub-models share and noise of their own; the second feature of each
 * never changes. Teacher logits are the negative squared distances of what is shared.
 */
export function fleetFeatures(
  widths: readonly number[],
  classes: number,
  images: number,
  { seed = 1, noise = 0.6 }: { seed?: number; noise?: number } = {},
): FusionData & { readonly labels: Int32Array; readonly teacherLogits: Float32Array } {
  const means = random(1, 'means');
  const hidden = 4;
  const centres = Float64Array.from({ length: classes * hidden }, () => 1.5 * means.normal());
  const maps = widths.map((width) => Float64Array.from({ length: width * hidden }, () => means.normal()));
  const stream = random(seed, 'images');
  const labels = Int32Array.from({ length: images }, (_, image) => image % classes);
  const features = widths.map((width) => new Float32Array(images * width));
  const teacherLogits = new Float32Array(images * classes);
  for (const [image, label] of labels.entries()) {
    const shared = Array.from(
      { length: hidden },
      (_, h) => centres[label * hidden + h]! + noise * stream.normal(),
    );
    for (let c = 0; c < classes; c++) {
      const distance = shared.reduce((sum, value, h) => sum + (value - centres[c * hidden + h]!) ** 2, 0);
      teacherLogits[image * classes + c] = -distance;
    }
    for (const [submodel, width] of widths.entries()) {
      for (let f = 0; f < width; f++) {
        const value = shared.reduce((sum, s, h) => sum + s * maps[submodel]![f * hidden + h]!, 0);
        features[submodel]![image * width + f] = f === 1 ? 3 : 5 + 2 * value + noise * stream.normal();
      }
    }
  }
  return { features, images, labels, teacherLogits };
}
