import type { FeatureMoments } from './feature-moments.ts';
import type { FusionHead } from './fusion-head.ts';
import type { FusionData, FusionTask } from './fusion-task.ts';
import { precisionOf } from './ridge-fit.ts';
import { sharpened } from './sharpened.ts';
import { standardisedRows, type Standardisation } from './standardised.ts';
import { labelsOf } from './targets.ts';
import { trainTower } from './train-tower.ts';

/** A trained tower as a head. @param ridge what absent sub-models are imputed by */
export async function towerHead(
  task: FusionTask,
  standardisation: Standardisation,
  moments: FeatureMoments,
  ridge: number,
): Promise<FusionHead> {
  const { widths, classes, fit, heldOut, settings, seed, signal, onProgress } = task;
  const rows = ({ features, images }: FusionData): Float32Array =>
    Float32Array.from(standardisedRows(standardisation, features, widths, [0, images]).data);
  const { tower } = settings;
  const precision = precisionOf(moments, ridge);
  const { layers } = await trainTower({
    fit: {
      images: fit.images,
      x: rows(fit),
      labels: labelsOf(fit, classes),
      teacher: fit.teacherLogits && softened(fit.teacherLogits, classes, tower.temperature),
      widths,
      classes,
    },
    heldOut: { images: heldOut.images, x: rows(heldOut), labels: labelsOf(heldOut, classes) },
    precision,
    settings: tower,
    seed,
    signal,
    onProgress,
  });
  const { activation } = tower;
  return sharpened(
    { kind: 'tower', classes, widths, ...standardisation, precision, layers, activation },
    task,
  );
}

/** Probabilities [N, K] of `softmax(logits / temperature)`. */
function softened(logits: Float32Array, classes: number, temperature: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    let total = 0;
    for (const value of row) total += Math.exp((value - largest) / temperature);
    for (let c = 0; c < classes; c++) result[start + c] = Math.exp((row[c]! - largest) / temperature) / total;
  }
  return result;
}
