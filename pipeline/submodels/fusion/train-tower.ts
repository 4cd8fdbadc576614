import * as tf from '@tensorflow/tfjs-core';
import { random } from '../../util/random.ts';
import { absenceMap } from './absence-map.ts';
import type { FusionLayer } from './fusion-head.ts';
import type { FusionProgress } from './fusion-task.ts';
import type { TowerConfig } from './schema.ts';
import { disposeBatch, towerBatch, type TowerExamples } from './tower-batches.ts';
import { towerGradients, towerLogits } from './tower-step.ts';
import { trainHead, type TrainedHead } from './train-head.ts';

export interface TowerTask {
  readonly fit: TowerExamples;
  readonly heldOut: Pick<TowerExamples, 'images' | 'x' | 'labels'>;
  /** [F, F] */
  readonly precision: Float32Array;
  readonly settings: TowerConfig;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: FusionProgress) => void) | undefined;
}

/** Units by hidden layer: each `shrink` times the one before, never fewer than there are classes. */
export function hiddenUnits(width: number, classes: number, { layers, shrink }: TowerConfig): number[] {
  return Array.from({ length: layers }, (_, i) => Math.max(classes, Math.round(width * shrink ** (i + 1))));
}

/**
 * A shrinking MLP over all features (EC-SNN, IJCAI 2024: F, F / 2, ..., K with dropout), trained also with sub-models absent
 * from single images; see `trainHead`.
 *
 * @throws `signal.reason` on abort; BlockForgeError `not-finite`
 */
export async function trainTower(task: TowerTask): Promise<TrainedHead> {
  const { fit, heldOut, settings, seed, signal, onProgress } = task;
  const { classes, widths } = fit;
  const width = widths.reduce((sum, own) => sum + own, 0);
  const hidden = hiddenUnits(width, classes, settings);
  const rules = {
    activation: settings.activation,
    layers: hidden.length + 1,
    teacherWeight: settings.teacherWeight,
    temperature: settings.temperature,
  };
  const map = tf.tensor2d(absenceMap(task.precision, widths), [width, width]);
  const held = tf.tensor2d(heldOut.x, [heldOut.images, width]);
  try {
    return await trainHead({
      name: 'tower',
      images: fit.images,
      layers: initial([width, ...hidden, classes], seed),
      gradients(rows, chance, parameters) {
        const batch = towerBatch(fit, rows, hidden, settings, chance);
        const found = towerGradients(batch, parameters, map, rules);
        disposeBatch(batch);
        return found;
      },
      heldOutLogits: (parameters) => towerLogits(held, parameters, rules),
      heldOutLabels: heldOut.labels,
      classes,
      settings,
      seed,
      signal,
      onProgress,
    });
  } finally {
    tf.dispose([map, held]);
  }
}

/** Normal with variance 2 / inputs (He et al. 2015), the last layer's half of it; biases zero. */
function initial(units: readonly number[], seed: number): FusionLayer[] {
  return units.slice(0, -1).map((inputs, layer) => {
    const outputs = units[layer + 1]!;
    const stream = random(seed, 'fusion', 'tower', layer);
    const deviation = Math.sqrt((layer === units.length - 2 ? 1 : 2) / inputs);
    const kernel = Float32Array.from({ length: inputs * outputs }, () => deviation * stream.normal());
    return { inputs, outputs, kernel, bias: new Float32Array(outputs) };
  });
}
